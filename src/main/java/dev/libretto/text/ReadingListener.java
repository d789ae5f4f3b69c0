package dev.libretto.text;

import java.nio.file.Path;

/** Is told how the reading of a text goes. */
public interface ReadingListener {
    /** One that does nothing. */
    ReadingListener NONE = (done, total) -> {};

    /**
     * Every few thousand characters.
     *
     * @param done bytes of the files that were read
     * @param total bytes of the files
     */
    void read(long done, long total);

    /** When a text that does not fit into memory was read and has its index file. */
    default void indexed(Path index) {}
}
