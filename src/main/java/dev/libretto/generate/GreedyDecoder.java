package dev.libretto.generate;

import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.tensorflow.EagerSession;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Writes text greedily in eager mode: the most likely character, one at a time, each fed back as the next input.
 *
 * <p>An eager session frees its tensors when it is closed and not before, so a text is written in stretches, each in a
 * session of its own, with the state carried from one to the next.
 */
public final class GreedyDecoder {
    /** Characters in a stretch: few enough to hold their tensors, enough for the loading of the weights not to count. */
    static final int STRETCH = 1024;

    private final ModelConfig config;
    private final Weights weights;

    public GreedyDecoder(ModelConfig config, Weights weights) {
        this.config = config;
        this.weights = weights;
    }

    /**
     * Continues a text.
     *
     * @param prefix the character ids to start from, which warm up the state; at least one
     * @param length how many characters to write
     * @param written takes the id of each new character as soon as it is known
     * @throws IllegalArgumentException if the prefix is empty
     */
    public void continueText(int[] prefix, int length, IntConsumer written) {
        if (prefix.length == 0) {
            throw new IllegalArgumentException("the prefix is empty; it needs at least one character");
        }
        int steps = length == 0 ? 0 : prefix.length + length - 1;
        Position position = new Position(prefix[0], zeroState());
        for (int from = 0; from < steps; from += STRETCH) {
            position = stretch(position, from, Math.min(STRETCH, steps - from), prefix, written);
        }
    }

    /** The character to feed next, and the state before it. */
    private record Position(int id, List<float[]> state) {}

    private Position stretch(Position start, int from, int count, int[] prefix, IntConsumer written) {
        try (EagerSession session = Sessions.openEager()) {
            Ops tf = Ops.create(session);
            LanguageModel model =
                    new LanguageModel(tf, config, p -> tf.constant(p.shape(), DataBuffers.of(weights.of(p))));
            Operand<TInt32> axis = tf.constant(1);
            Operand<TInt32> input = tf.constant(new int[] {start.id()});
            List<Operand<TFloat32>> state = operands(tf, start.state());
            int id = start.id();
            for (int i = from; i < from + count; i++) {
                LanguageModel.Output output = model.step(tf, input, state);
                state = output.state();
                if (i + 1 < prefix.length) {
                    id = prefix[i + 1];
                    input = tf.constant(new int[] {id});
                } else {
                    input = tf.math.argMax(output.logits(), axis, TInt32.class);
                    id = input.asTensor().getInt(0);
                    written.accept(id);
                }
            }
            return new Position(id, state.stream().map(FloatTensors::toArray).toList());
        }
    }

    private List<Shape> stateShapes() {
        return LanguageModel.stateShapes(config, 1);
    }

    private List<float[]> zeroState() {
        return stateShapes().stream()
                .map(shape -> new float[Math.toIntExact(shape.size())])
                .toList();
    }

    private List<Operand<TFloat32>> operands(Ops tf, List<float[]> state) {
        List<Operand<TFloat32>> operands = new ArrayList<>();
        for (int i = 0; i < state.size(); i++) {
            operands.add(tf.constant(stateShapes().get(i), DataBuffers.of(state.get(i))));
        }
        return operands;
    }
}
