package dev.libretto.export;

import dev.libretto.model.CellType;

/**
 * The order of a cell's gates, which stand side by side in the columns of Libretto's arrays and one below the other in the
 * rows of PyTorch's and ONNX's.
 *
 * @param order for each gate of Libretto its place there
 * @param hiddenSize H, columns or rows of one gate
 */
record Gates(int[] order, int hiddenSize) {
    /** @throws IllegalArgumentException if no cell of PyTorch has so many gates */
    static Gates ofPyTorch(int count, int hiddenSize) {
        return new Gates(
                switch (count) {
                    case 1 -> new int[] {0};
                    case 3 -> new int[] {1, 0, 2}; // GRU: z, r, h here and r, z, n there
                    case 4 -> new int[] {0, 1, 2, 3}; // LSTM: i, f, c, o here and i, f, g, o there
                    default ->
                        throw new IllegalArgumentException(
                                "a cell of " + count + " gates has no place in PyTorch's layout");
                },
                hiddenSize);
    }

    /** ONNX has the gates of a GRU as they are, z, r, h, and those of an LSTM as i, o, f, c. */
    static Gates ofOnnx(CellType cell, int hiddenSize) {
        return new Gates(
                switch (cell) {
                    case RNN -> new int[] {0};
                    case GRU, GRU_RESET_BEFORE -> new int[] {0, 1, 2};
                    case LSTM -> new int[] {0, 2, 3, 1};
                },
                hiddenSize);
    }

    /** G, the number of gates. */
    int count() {
        return order.length;
    }

    /**
     * Columns to rows.
     *
     * @param kernel {@code [I, G·H]} of Libretto
     * @return {@code [G·H, I]}
     */
    float[] toRows(float[] kernel) {
        int columns = order.length * hiddenSize;
        return reorder(Matrices.transpose(kernel, kernel.length / columns, columns));
    }

    /**
     * Rows to columns, for an order that is its own inverse, as all of PyTorch's are.
     *
     * @param weight {@code [G·H, I]}
     * @return {@code [I, G·H]} of Libretto
     */
    float[] fromRows(float[] weight) {
        int rows = order.length * hiddenSize;
        return Matrices.transpose(reorder(weight), rows, weight.length / rows);
    }

    /** A vector {@code [G·H]} or matrix {@code [G·H, I]} with its gates in the other order. */
    float[] reorder(float[] matrix) {
        int block = matrix.length / order.length;
        float[] reordered = new float[matrix.length];
        for (int gate = 0; gate < order.length; gate++) {
            System.arraycopy(matrix, gate * block, reordered, order[gate] * block, block);
        }
        return reordered;
    }
}
