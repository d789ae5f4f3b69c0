package dev.libretto.export;

import dev.libretto.model.CellType;

/**
 * Converts the order of a cell's gates. They are blocks of columns in Libretto's arrays, and blocks of rows in PyTorch's and ONNX's.
 *
 * @param order the position of each of Libretto's gates in the other framework
 * @param hiddenSize H, the columns or rows of one gate
 */
record Gates(int[] order, int hiddenSize) {
    /** @throws IllegalArgumentException if PyTorch has no cell with that many gates */
    static Gates ofPyTorch(int count, int hiddenSize) {
        return new Gates(
                switch (count) {
                    case 1 -> new int[] {0};
                    case 3 -> new int[] {1, 0, 2}; // GRU: z, r, h to r, z, n
                    case 4 -> new int[] {0, 1, 2, 3}; // LSTM: i, f, c, o to i, f, g, o
                    default -> throw new IllegalArgumentException("PyTorch has no cell with " + count + " gates");
                },
                hiddenSize);
    }

    /** Returns ONNX's order: a GRU's gates are z, r, h, as in Libretto; an LSTM's are i, o, f, c. */
    static Gates ofOnnx(CellType cell, int hiddenSize) {
        return new Gates(
                switch (cell) {
                    case RNN -> new int[] {0};
                    case GRU, GRU_RESET_BEFORE -> new int[] {0, 1, 2};
                    case LSTM -> new int[] {0, 2, 3, 1};
                },
                hiddenSize);
    }

    /** Returns the number of gates, G. */
    int count() {
        return order.length;
    }

    /**
     * Converts a kernel to rows of gates.
     *
     * @param kernel {@code [I, G·H]}
     * @return {@code [G·H, I]}
     */
    float[] toRows(float[] kernel) {
        int columns = order.length * hiddenSize;
        return reorder(transpose(kernel, kernel.length / columns, columns));
    }

    /**
     * Converts a kernel from rows of gates. The order must be its own inverse, as all of PyTorch's are.
     *
     * @param weight {@code [G·H, I]}
     * @return {@code [I, G·H]}
     */
    float[] fromRows(float[] weight) {
        int rows = order.length * hiddenSize;
        return transpose(reorder(weight), rows, weight.length / rows);
    }

    /** Returns a vector {@code [G·H]} or matrix {@code [G·H, I]} with its gates reordered. */
    float[] reorder(float[] matrix) {
        int block = matrix.length / order.length;
        float[] reordered = new float[matrix.length];
        for (int gate = 0; gate < order.length; gate++) {
            System.arraycopy(matrix, gate * block, reordered, order[gate] * block, block);
        }
        return reordered;
    }

    /**
     * Transposes a row-major matrix.
     *
     * @param matrix {@code [rows, columns]}
     * @return {@code [columns, rows]}
     */
    static float[] transpose(float[] matrix, int rows, int columns) {
        float[] transposed = new float[matrix.length];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                transposed[column * rows + row] = matrix[row * columns + column];
            }
        }
        return transposed;
    }
}
