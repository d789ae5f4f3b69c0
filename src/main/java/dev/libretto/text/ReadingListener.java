package dev.libretto.text;

import java.nio.file.Path;

/** Receives the progress of reading a text. */
public interface ReadingListener {
    /** Does nothing. */
    ReadingListener NONE = (done, total) -> {};

    /**
     * Called every few thousand characters.
     *
     * @param done bytes read from the files
     * @param total the size of the files in bytes
     */
    void read(long done, long total);

    /** Called when the index file of a text too large for memory is complete. */
    default void indexed(Path index) {}
}
