package dev.libretto.export;

import dev.libretto.model.CellSpec.Library;
import dev.libretto.model.CellType;

/**
 * Converts the order of a cell's gates. They are blocks of columns in Libretto's arrays, and blocks of rows in PyTorch's
 * and ONNX's.
 *
 * @param order the index in Libretto's order of each of the library's gates
 */
record Gates(int... order) {
    /** @param otherwise what to do if the library does not have the cell */
    static Gates of(CellType cell, Library library, String otherwise) {
        try {
            return new Gates(cell.gateOrder(library));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(e.getMessage() + "; " + otherwise, e);
        }
    }

    /** Returns a kernel {@code [I, G·H]}, which has G·H columns, as the library's {@code [G·H, I]}. */
    float[] toRows(float[] kernel, int columns) {
        return reorder(transpose(kernel, kernel.length / columns, columns));
    }

    /** Undoes {@link #toRows}. */
    float[] fromRows(float[] weight, int rows) {
        return transpose(restore(weight), rows, weight.length / rows);
    }

    /** Returns a vector {@code [G·H]} or matrix {@code [G·H, I]} with its gates in the library's order. */
    float[] reorder(float[] matrix) {
        return reorder(matrix, false);
    }

    /** Undoes {@link #reorder}. */
    float[] restore(float[] matrix) {
        return reorder(matrix, true);
    }

    private float[] reorder(float[] matrix, boolean undo) {
        int block = matrix.length / order.length;
        float[] reordered = new float[matrix.length];
        for (int theirs = 0; theirs < order.length; theirs++) {
            int from = undo ? theirs : order[theirs];
            int to = undo ? order[theirs] : theirs;
            System.arraycopy(matrix, from * block, reordered, to * block, block);
        }
        return reordered;
    }

    private static float[] transpose(float[] matrix, int rows, int columns) {
        float[] transposed = new float[matrix.length];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                transposed[column * rows + row] = matrix[row * columns + column];
            }
        }
        return transposed;
    }
}
