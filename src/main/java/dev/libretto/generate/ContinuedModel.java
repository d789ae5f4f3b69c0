package dev.libretto.generate;

import dev.libretto.model.ModelConfig;
import java.util.List;

/**
 * A model whose texts all continue one that was read before.
 *
 * @param textBefore that text
 * @param last the last character that was read
 * @param before the state before it, of one row
 * @param written how many characters of that text follow its first prefix
 */
public record ContinuedModel(TextModel model, int[] textBefore, int last, List<float[]> before, int written)
        implements TextModel {
    @Override
    public ModelConfig config() {
        return model.config();
    }

    @Override
    public int[] beginning() {
        return new int[] {last};
    }

    @Override
    public int positionAfter(int... prefix) {
        return written + prefix.length;
    }

    @Override
    public String weightsHash() {
        return model.weightsHash();
    }

    /** Returns the state before the last character for each row. */
    @Override
    public List<float[]> zeroState(int rows) {
        return before.stream()
                .map(array -> {
                    float[] all = new float[rows * array.length];
                    for (int row = 0; row < rows; row++) {
                        System.arraycopy(array, 0, all, row * array.length, array.length);
                    }
                    return all;
                })
                .toList();
    }

    @Override
    public Step step(int[] ids, List<float[]> state) {
        return model.step(ids, state);
    }

    @Override
    public List<float[]> read(int[][] ids, List<float[]> state) {
        return model.read(ids, state);
    }

    @Override
    public Written writeGreedily(int[] ids, List<float[]> state, boolean scored, int most) {
        return model.writeGreedily(ids, state, scored, most);
    }

    @Override
    public void close() {
        model.close();
    }
}
