package dev.libretto.export;

/** Matrices as row-major arrays. */
final class Matrices {
    private Matrices() {}

    /**
     * The transpose.
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
