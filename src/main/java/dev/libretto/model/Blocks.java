package dev.libretto.model;

/**
 * Whether products x · W are formed from those with blocks of W. oneDNN rounds these alike for one row of x and for many: it adds
 * up the products of each in one chain. Blocks of columns change no bit.
 */
public enum Blocks {
    NONE(Integer.MAX_VALUE, Integer.MAX_VALUE, 1),
    /** For any number of rows; somewhat slower than without blocks if W has several. */
    OF_ROWS(256, Integer.MAX_VALUE, 16),
    /** For one row: oneDNN was seen to compute so few columns in one thread, which is faster. */
    OF_ROWS_AND_COLUMNS(256, 1024, 16);

    /** The most rows and columns of a block of W. */
    final int rows;

    final int columns;
    /** What the columns of each block are a multiple of: the registers' widest tile. Others would be added up in another order. */
    final int tile;

    Blocks(int rows, int columns, int tile) {
        this.rows = rows;
        this.columns = columns;
        this.tile = tile;
    }
}
