package dev.libretto.cli;

import dev.libretto.generate.Decoder;
import java.util.List;

/** Prints what is written, batch by batch. */
interface GeneratedText extends Decoder.Listener {
    /**
     * A batch begins.
     *
     * @param prefixes the texts to continue
     * @param samples how often each is continued: sample s of prefix p is row {@code p · samples + s}
     */
    void begin(List<int[]> prefixes, int samples);

    /** The batch is done: all of it is printed. */
    void end();
}
