package dev.libretto.export;

/**
 * The order of a cell's gates, which stand side by side in the columns of Libretto's arrays and one below the other in the
 * rows of PyTorch's.
 *
 * @param order for each gate of Libretto its place in PyTorch, and the other way round
 * @param hiddenSize H, columns or rows of one gate
 */
record Gates(int[] order, int hiddenSize) {
    /** @throws IllegalArgumentException if no cell has so many gates */
    static Gates of(int count, int hiddenSize) {
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

    /** G, the number of gates. */
    int count() {
        return order.length;
    }

    /**
     * Libretto's matrix as PyTorch's.
     *
     * @param kernel {@code [I, G·H]}
     * @return {@code [G·H, I]}
     */
    float[] toPyTorch(float[] kernel) {
        int columns = order.length * hiddenSize;
        return reorder(Matrices.transpose(kernel, kernel.length / columns, columns));
    }

    /**
     * PyTorch's matrix as Libretto's.
     *
     * @param weight {@code [G·H, I]}
     * @return {@code [I, G·H]}
     */
    float[] toNative(float[] weight) {
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
