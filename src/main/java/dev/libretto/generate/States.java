package dev.libretto.generate;

import java.util.Arrays;
import java.util.List;

/** Selects and pads the rows of a state: a list of row-major arrays {@code [B, N]}, each with its own N. */
final class States {
    private States() {}

    /** Returns the selected rows in order; a row may be selected several times. */
    static List<float[]> select(List<float[]> state, int rows, int[] selected) {
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

    /** Returns the state with rows of zeros appended. */
    static List<float[]> pad(List<float[]> state, int rows, int newRows) {
        return state.stream()
                .map(array -> Arrays.copyOf(array, array.length / rows * newRows))
                .toList();
    }
}
