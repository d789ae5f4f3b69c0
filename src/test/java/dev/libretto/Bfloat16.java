package dev.libretto;

import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.libretto.device.OneDnn;

/** Products in bfloat16, which not every processor computes. */
public final class Bfloat16 {
    private Bfloat16() {}

    /** Skips the test where such a product would end the process. */
    public static void assumeComputable() {
        OneDnn oneDnn = OneDnn.current();
        assumeFalse(oneDnn.abortsInBfloat16(), "oneDNN cannot multiply in bfloat16 here");
    }
}
