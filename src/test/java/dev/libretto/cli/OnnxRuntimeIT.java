package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** ONNX Runtime in a process: no telemetry, and a one-line message if the temp folder cannot be used. */
class OnnxRuntimeIT {
    /** The launcher uses unpacked native libraries; with the jar alone, ONNX Runtime unpacks its own. */
    enum Start {
        LAUNCHER,
        JAR
    }

    private record CliResult(int exitCode, String out, String err) {}

    @TempDir
    private static Path trained;

    @TempDir
    private Path folder;

    private static final String MOUNT_NOEXEC = "mount -t tmpfs -o noexec tmpfs \"$TMPDIR\" && exec \"$@\"";

    /** Comes before the command line, to change what it sees of the file system. */
    private List<String> mount = List.of();

    private Path home;
    private Path temp;

    @BeforeAll
    static void exportModel() throws Exception {
        String train = "train --preset tiny --epochs 1 --run " + trained.resolve("run");
        String export = "export --run %s --format onnx --out %s".formatted(trained.resolve("run"), model());
        for (String line : List.of(train, export)) {
            assertThat(dev.libretto.cli.CliResult.of(trained, line.split(" ")).exitCode())
                    .isZero();
        }
    }

    private static Path model() {
        return trained.resolve("model.onnx");
    }

    @BeforeEach
    void makeFolders() throws IOException {
        home = Files.createDirectory(folder.resolve("home"));
        temp = Files.createDirectory(folder.resolve("temp"));
    }

    /** Telemetry would write files: it identifies the machine and queues events. */
    @ParameterizedTest
    @EnumSource
    void generateWritesNoFiles(Start start) throws Exception {
        CliResult result = run(start, "generate", "--model", model().toString(), "--prefix", "分开");

        assertThat(result.err()).isEmpty();
        assertThat(result.out()).startsWith("分开");
        assertThat(files()).isEmpty();
    }

    /** ONNX Runtime creates a folder there even with nothing to unpack. */
    @ParameterizedTest
    @EnumSource
    void missingTempFolderIsReportedInOneLine(Start start) throws Exception {
        Files.delete(temp);

        CliResult result = run(start, "generate", "--model", model().toString(), "--prefix", "分开");

        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err())
                .startsWith("libretto generate: ONNX Runtime cannot be loaded (" + temp)
                .contains("LIBRETTO_JAVA_OPTS=-Djava.io.tmpdir=DIR")
                .hasLineCount(1);
    }

    /** The build unpacks the libraries, so the launcher needs no temp folder that allows executables. */
    @ParameterizedTest
    @EnumSource
    void tempFolderMountedNoexec(Start start) throws Exception {
        mount = List.of("unshare", "--mount", "--map-root-user", "bash", "-c", MOUNT_NOEXEC, "bash");
        Process trial = new ProcessBuilder(
                        List.of("unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "tmpfs", "."))
                .directory(temp.toFile())
                .start();
        assumeTrue(trial.waitFor() == 0, "this machine does not let the test mount a file system");

        CliResult result = run(start, "generate", "--model", model().toString(), "--prefix", "分开");

        switch (start) {
            case LAUNCHER -> {
                assertThat(result.err()).isEmpty();
                assertThat(result.out()).startsWith("分开");
            }
            case JAR ->
                assertThat(result.err())
                        .startsWith("libretto generate: ONNX Runtime cannot be loaded (" + temp)
                        .contains("not mounted noexec")
                        .hasLineCount(1);
        }
    }

    @Test
    void doctorChecksOnnxRuntime() throws Exception {
        CliResult fine = run(Start.LAUNCHER, "doctor", "--device", "cpu");
        assertThat(fine.exitCode()).isZero();
        assertThat(fine.out()).containsPattern("(?m)^ONNX Runtime: \\d+\\.\\d+\\.\\d+$");

        temp = temp.resolve("missing");
        CliResult broken = run(Start.LAUNCHER, "doctor", "--device", "cpu");
        assertThat(broken.exitCode()).isEqualTo(1);
        assertThat(broken.out()).contains("ONNX Runtime: it cannot be loaded\n");
        assertThat(broken.err()).startsWith("libretto doctor: ONNX Runtime cannot be loaded (" + temp);
    }

    /** The regular files below home and temp. */
    private List<Path> files() throws IOException {
        try (Stream<Path> inHome = Files.walk(home);
                Stream<Path> inTemp = Files.walk(temp)) {
            return Stream.concat(inHome, inTemp).filter(Files::isRegularFile).toList();
        }
    }

    private CliResult run(Start start, String... arguments) throws Exception {
        List<String> options = List.of("-Djava.io.tmpdir=" + temp, "-Duser.home=" + home);
        List<String> line = new ArrayList<>(mount);
        switch (start) {
            case LAUNCHER -> line.add(Path.of("libretto").toAbsolutePath().toString());
            case JAR -> {
                line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
                line.addAll(options);
                line.addAll(List.of(
                        "-jar", Path.of("target/libretto.jar").toAbsolutePath().toString()));
            }
        }
        line.addAll(List.of(arguments));
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(line)
                .directory(folder.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().put("HOME", home.toString());
        builder.environment().put("XDG_CACHE_HOME", home.resolve("cache").toString());
        builder.environment().put("TMPDIR", temp.toString());
        builder.environment().put("LIBRETTO_JAVA_OPTS", String.join(" ", options));
        Process process = builder.start();
        assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
        return new CliResult(process.exitValue(), Files.readString(out), withoutJavasWarnings(Files.readString(err)));
    }

    /** Java 24 and later warn of a missing temp folder and, without the launcher's option, of {@code sun.misc.Unsafe}. */
    private static String withoutJavasWarnings(String err) {
        return err.replaceAll("(?m)^WARNING: .*\n", "");
    }
}
