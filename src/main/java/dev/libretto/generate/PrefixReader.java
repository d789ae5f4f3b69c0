package dev.libretto.generate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Reads prefixes of different lengths with a model, as a batch. The longest prefix starts first; shorter ones join later, so that
 * all end at the same time step.
 */
final class PrefixReader {
    private final TextModel model;
    private final List<int[]> prefixes;
    /** The prefixes by descending length. */
    private final int[] order;

    private final int longest;
    private final int top;
    /** Each prefix's characters after the first; null if their log-probabilities are not requested. */
    private final List<List<ScoredCharacter>> scored;

    PrefixReader(TextModel model, List<int[]> prefixes, Decoder.Scoring scoring) {
        this.model = model;
        this.prefixes = prefixes;
        this.order = IntStream.range(0, prefixes.size())
                .boxed()
                .sorted(Comparator.comparing(i -> -prefixes.get(i).length))
                .mapToInt(i -> i)
                .toArray();
        this.longest = prefixes.get(order[0]).length;
        this.top = scoring.top();
        this.scored = scoring.ofPrefix()
                ? Stream.<List<ScoredCharacter>>generate(ArrayList::new)
                        .limit(prefixes.size())
                        .toList()
                : null;
    }

    /** Returns a prefix's characters after the first, once they are read. */
    List<ScoredCharacter> scored(int prefix) {
        return scored.get(prefix);
    }

    /** Returns the state before the last character of each prefix. */
    List<float[]> read() {
        int count = prefixes.size();
        List<float[]> state = model.zeroState(0);
        int t = 0;
        for (int rows = 1; rows <= count; rows++) {
            int nextJoins = longest - (rows < count ? prefixes.get(order[rows]).length : 1);
            if (nextJoins > t) {
                state = read(rows, t, nextJoins, withRows(state, rows));
                t = nextJoins;
            }
        }
        int[] rank = new int[count];
        for (int i = 0; i < count; i++) {
            rank[order[i]] = i;
        }
        return selectRows(withRows(state, count), count, rank);
    }

    /** Reads the time steps from {@code from}, inclusive, to {@code to}, exclusive, of the first {@code rows} prefixes. */
    private List<float[]> read(int rows, int from, int to, List<float[]> state) {
        if (scored == null) {
            return model.read(
                    IntStream.range(from, to).mapToObj(t -> characters(rows, t)).toArray(int[][]::new), state);
        }
        List<float[]> current = state;
        for (int t = from; t < to; t++) {
            TextModel.Step step = model.step(characters(rows, t), current);
            int[] next = characters(rows, t + 1);
            for (int row = 0; row < rows; row++) {
                scored.get(order[row]).add(ScoredCharacter.of(step.ofRow(row, rows), next[row], top));
            }
            current = step.state();
        }
        return current;
    }

    /** The characters of the first {@code rows} prefixes at a time step, {@code [B]}. */
    private int[] characters(int rows, int t) {
        return IntStream.of(order)
                .limit(rows)
                .mapToObj(prefixes::get)
                .mapToInt(prefix -> prefix[t - longest + prefix.length])
                .toArray();
    }

    /** Adds rows of zeros to a state. */
    private List<float[]> withRows(List<float[]> state, int rows) {
        List<float[]> more = model.zeroState(rows);
        for (int i = 0; i < more.size(); i++) {
            float[] array = state.get(i);
            System.arraycopy(array, 0, more.get(i), 0, array.length);
        }
        return more;
    }

    /** Returns the selected rows of a state in order; a row may be selected several times. */
    static List<float[]> selectRows(List<float[]> state, int rows, int[] selected) {
        return state.stream()
                .map(array -> {
                    int n = array.length / rows;
                    float[] result = new float[selected.length * n];
                    for (int i = 0; i < selected.length; i++) {
                        System.arraycopy(array, selected[i] * n, result, i * n, n);
                    }
                    return result;
                })
                .toList();
    }
}
