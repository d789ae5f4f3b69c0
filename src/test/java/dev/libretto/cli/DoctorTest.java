package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.libretto.device.Build;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code libretto doctor}; only the CPU is certain on every machine. */
@Tag("numeric")
class DoctorTest {
    @TempDir
    private Path folder;

    private CliResult doctor(String... arguments) {
        String[] line = new String[arguments.length + 1];
        line[0] = "doctor";
        System.arraycopy(arguments, 0, line, 1, arguments.length);
        return CliResult.of(folder.resolve("runs"), line);
    }

    @Test
    void reportsAWorkingCpu() {
        CliResult result = doctor("--device", "cpu");
        assertThat(result.err()).isEmpty();
        assertThat(result.exitCode()).isZero();
        assertThat(result.out())
                .contains("(" + Build.current().classifier() + ")\n")
                .containsPattern("TensorFlow 2\\.18\\.\\d+ \\(TensorFlow Java 1\\.1\\.0\\), Java 1?[0-9]")
                .containsPattern(
                        "(?m)^CPU, \\d+ cores?, float32: TensorFlow sees CPU; a training step of rnn takes \\d+\\.\\d ms;"
                                + " losses differ from the CPU's by 0\\.0e\\+00$");
    }

    @Test
    void missingGpuFailsAfterTheReport() throws IOException {
        CliResult result = doctor("--device", "gpu:99", "--json");
        assertThat(result.exitCode()).isEqualTo(1);
        JsonNode report = JsonMapper.builder().build().readTree(result.out());
        assertThat(report.at("/problem").textValue()).startsWith("gpu:99 cannot be used: ");
        assertThat(result.err())
                .isEqualTo("libretto doctor: " + report.at("/problem").textValue() + "\n");
        assertThat(report.at("/host/cores").intValue())
                .isEqualTo(Runtime.getRuntime().availableProcessors());
        assertThat(report.at("/build/classifier").textValue())
                .isEqualTo(Build.current().classifier());
        assertThat(report.at("/libraries").size()).isEqualTo(Build.current().isCuda() ? 11 : 0);
        assertThat(report.at("/trials/0/tensorflowDevices/0").textValue()).isEqualTo("CPU");
        assertThat(report.at("/trials/0/difference").doubleValue()).isZero();
        assertThat(report.at("/trials").size()).isEqualTo(1);
    }

    @Test
    void unsupportedPrecisionFails() {
        CliResult result = doctor("--device", "cpu", "--precision", "tf32");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).isEqualTo("libretto doctor: the CPU does not have tf32; use float32\n");
    }
}
