package dev.libretto.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Reads prefixes of different lengths as one batch. The longest starts first; shorter ones join later, so that all end at the
 * same time step.
 */
final class Primer {
    private final TextModel model;
    /** The prefixes, longest first. */
    private final List<int[]> sorted;
    /** The index of each prefix in {@link #sorted}. */
    private final int[] rank;

    /** @param prefixes each of at least one character */
    Primer(TextModel model, List<int[]> prefixes) {
        this.model = model;
        int[] order = IntStream.range(0, prefixes.size())
                .boxed()
                .sorted(Comparator.comparing(i -> -prefixes.get(i).length))
                .mapToInt(i -> i)
                .toArray();
        this.sorted = IntStream.of(order).mapToObj(prefixes::get).toList();
        this.rank = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            rank[order[i]] = i;
        }
    }

    /** Returns the state before the last character of each prefix. */
    List<float[]> prime() {
        int steps = sorted.get(0).length - 1;
        int rows = rowsAt(0);
        List<float[]> state = model.zeroState(rows);
        int from = 0;
        while (from < steps) {
            int until = from + 1;
            while (until < steps && rowsAt(until) == rows) {
                until++;
            }
            state = model.read(ids(from, until, rows), state);
            from = until;
            state = padRows(state, rows, rowsAt(from));
            rows = rowsAt(from);
        }
        return selectRows(state, rows, rank);
    }

    /** The number of rows at a time step. */
    private int rowsAt(int step) {
        int rows = 0;
        while (rows < sorted.size() && start(rows) <= step) {
            rows++;
        }
        return rows;
    }

    /** The time step at which a row joins. */
    private int start(int row) {
        return sorted.get(0).length - sorted.get(row).length;
    }

    /** The ids of the first {@code rows} rows, {@code [T][B]}. */
    private int[][] ids(int from, int until, int rows) {
        List<int[]> ids = new ArrayList<>();
        for (int step = from; step < until; step++) {
            int t = step;
            ids.add(IntStream.range(0, rows)
                    .map(row -> sorted.get(row)[t - start(row)])
                    .toArray());
        }
        return ids.toArray(int[][]::new);
    }

    /** Returns the selected rows in order; a row may be selected several times. */
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

    private static List<float[]> padRows(List<float[]> state, int rows, int newRows) {
        return state.stream()
                .map(array -> Arrays.copyOf(array, array.length / rows * newRows))
                .toList();
    }
}
