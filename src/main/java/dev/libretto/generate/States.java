package dev.libretto.generate;

import java.util.Arrays;
import java.util.List;

/** Rows of states: lists of arrays, each row-major {@code [B, N]} with the N of its own. */
final class States {
    private States() {}

    /** The state of the rows named, in their order; a row can be named several times. */
    static List<float[]> pick(List<float[]> state, int rows, int[] picked) {
        return state.stream()
                .map(array -> {
                    int n = array.length / rows;
                    float[] result = new float[picked.length * n];
                    for (int i = 0; i < picked.length; i++) {
                        System.arraycopy(array, picked[i] * n, result, i * n, n);
                    }
                    return result;
                })
                .toList();
    }

    /** The state with rows of zeros after it. */
    static List<float[]> extend(List<float[]> state, int rows, int newRows) {
        return state.stream()
                .map(array -> Arrays.copyOf(array, array.length / rows * newRows))
                .toList();
    }
}
