package dev.libretto.cli;

import dev.libretto.generate.Decoder;
import java.util.List;

/** Prints generated text batch by batch. */
interface SampleWriter extends Decoder.Listener {
    /**
     * Begins a batch.
     *
     * @param samples continuations per prefix; sample s of prefix p is row {@code p · samples + s}
     */
    void beginBatch(List<int[]> prefixes, int samples);

    /** @param copies what was found of each row in a corpus; empty if not looked for */
    void endBatch(List<CopyCheck.Found> copies);
}
