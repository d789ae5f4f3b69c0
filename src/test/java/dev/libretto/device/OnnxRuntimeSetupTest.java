package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.jna.Function;
import org.junit.jupiter.api.Test;

class OnnxRuntimeSetupTest {
    /** Java's own copy of the environment does not change. */
    @Test
    void telemetryOfLaterVersionsIsDisabled() {
        OnnxRuntimeSetup.apply();

        assertThat(Function.getFunction("c", "getenv").invokeString(new Object[] {"ORT_DISABLE_TELEMETRY"}, false))
                .isEqualTo("1");
    }
}
