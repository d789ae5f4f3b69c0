package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scripts on a path of the test's own stand in for nvidia-smi. */
class NvidiaSmiTest {
    @TempDir
    private Path folder;

    private NvidiaSmi query(String script) throws IOException {
        Path program = Files.writeString(folder.resolve("nvidia-smi"), "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        return NvidiaSmi.query("/nowhere:" + folder);
    }

    @Test
    void listsGpus() throws IOException {
        assertThat(query("echo \"0, NVIDIA H100, 550.90.07, 81559 MiB, 4 MiB, asked $*\"; echo '1, second'")
                        .cards())
                .containsExactly(
                        "0, NVIDIA H100, 550.90.07, 81559 MiB, 4 MiB, asked"
                                + " --query-gpu=index,name,driver_version,memory.total,memory.used"
                                + " --format=csv,noheader",
                        "1, second");
    }

    /** A pipe holds 64 KiB. */
    @Test
    void readsMoreThanAPipeHolds() throws IOException {
        assertThat(query("seq 100000").cards()).hasSize(100_000);
    }

    @Test
    void reportsFailure() throws IOException {
        NvidiaSmi failed = query("echo 'NVIDIA-SMI has failed because it could not talk to the driver.'; exit 9");
        assertThat(failed.cards()).isEmpty();
        assertThat(failed.problem())
                .isEqualTo("it failed: NVIDIA-SMI has failed because it could not talk to the driver.");
        assertThat(query("exit 9").problem()).isEqualTo("it failed: exit code 9");
    }

    @Test
    void mayBeMissing() {
        assertThat(NvidiaSmi.query("/nowhere:" + folder).problem()).isEqualTo("it is not on the PATH");
        assertThat(NvidiaSmi.query("").problem()).isEqualTo("it is not on the PATH");
    }
}
