package dev.libretto.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunInfoTest {
    @TempDir
    private Path folder;

    /** The files have the right checksums, but are no weights that TensorFlow could restore. */
    @Test
    void weightsAreNotRestored() throws IOException {
        TestRun test = TestRun.create(folder.resolve("run"));
        for (int epoch = 1; epoch <= 2; epoch++) {
            String checkpoint = String.format("checkpoints/step-%08d", 10 * epoch);
            test.write(checkpoint + "/weights.index", "no weights".getBytes(StandardCharsets.UTF_8));
            Checksums.write(test.path().resolve(checkpoint));
        }
        RunDirectory run = RunDirectory.open(test.path());
        assertThatThrownBy(() -> run.newest(RunInfoTest::noWarning))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("cannot be read");

        RunInfo info = RunInfo.of(run, RunInfoTest::noWarning);
        assertThat(info.progress()).isEqualTo(test.oldestFirst().get(1).progress());
        assertThat(info.best()).isEqualTo(new RunInfo.Best(2, Math.exp(2.5), "training"));
    }

    private static void noWarning(String warning) {
        throw new AssertionError(warning);
    }
}
