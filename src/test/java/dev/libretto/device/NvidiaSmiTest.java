package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** NVIDIA's tool, played by scripts on a path of the test's own. */
class NvidiaSmiTest {
    @TempDir
    private Path folder;

    private NvidiaSmi ask(String script) throws IOException {
        Path program = Files.writeString(folder.resolve("nvidia-smi"), "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        return NvidiaSmi.ask("/nowhere:" + folder);
    }

    @Test
    void tellsOfTheCards() throws IOException {
        assertThat(ask("echo \"0, NVIDIA H100, 550.90.07, 81559 MiB, 4 MiB, asked $*\"; echo '1, second'")
                        .cards())
                .containsExactly(
                        "0, NVIDIA H100, 550.90.07, 81559 MiB, 4 MiB, asked"
                                + " --query-gpu=index,name,driver_version,memory.total,memory.used"
                                + " --format=csv,noheader",
                        "1, second");
    }

    @Test
    void tellsWhyItFails() throws IOException {
        NvidiaSmi failed = ask("echo 'NVIDIA-SMI has failed because it could not talk to the driver.'; exit 9");
        assertThat(failed.cards()).isEmpty();
        assertThat(failed.problem())
                .isEqualTo("it fails: NVIDIA-SMI has failed because it could not talk to the driver.");
        assertThat(ask("exit 9").problem()).isEqualTo("it fails: exit code 9");
    }

    @Test
    void mayNotBeThere() {
        assertThat(NvidiaSmi.ask("/nowhere:" + folder).problem()).isEqualTo("it is not on the PATH");
        assertThat(NvidiaSmi.ask("").problem()).isEqualTo("it is not on the PATH");
    }
}
