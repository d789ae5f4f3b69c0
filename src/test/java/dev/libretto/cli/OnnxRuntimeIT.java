package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** ONNX Runtime in a process: no telemetry, nothing left in the temp folder, and a one-line message if that cannot be used. */
class OnnxRuntimeIT {
    enum Start {
        LAUNCHER,
        JAR,
        /** A program with Libretto's jar on its class path, without the unpacked libraries next to it. */
        LIBRARY
    }

    @TempDir
    private static Path trained;

    @TempDir
    private Path folder;

    /** Comes before the command line, to change what it sees of the file system. */
    private List<String> mount = List.of();

    private Path home;
    private Path temp;

    @BeforeAll
    static void exportModel() throws Exception {
        String train = "train --preset tiny --epochs 1 --run " + trained.resolve("run");
        String export = "export --run %s --format onnx --out %s".formatted(trained.resolve("run"), model());
        for (String line : List.of(train, export)) {
            assertThat(CliResult.of(trained, line.split(" ")).exitCode()).isZero();
        }
        Files.copy(Program.JAR, trained.resolve("libretto.jar"));
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
    void generateLeavesNoFilesAndFolders(Start start) throws Exception {
        assertGenerates(start);

        assertThat(temp).isEmptyDirectory();
        try (Stream<Path> inHome = Files.list(home)) {
            assertThat(inHome.map(Path::getFileName).map(Path::toString))
                    .isEqualTo(start == Start.LIBRARY ? List.of(".javacpp") : List.of());
        }
    }

    /** ONNX Runtime creates a folder there even with nothing to unpack. */
    @ParameterizedTest
    @EnumSource
    void missingTempFolderIsReportedInOneLine(Start start) throws Exception {
        Files.delete(temp);

        assertFailsInOneLine(start);
    }

    @ParameterizedTest
    @EnumSource
    void fullTempFolderIsReportedInOneLine(Start start) throws Exception {
        mountTemp("nr_inodes=1");

        assertFailsInOneLine(start);
    }

    /** The libraries are unpacked elsewhere. */
    @ParameterizedTest
    @EnumSource
    void tempFolderNeedNotAllowExecutables(Start start) throws Exception {
        mountTemp("noexec");

        assertGenerates(start);
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

    private void assertGenerates(Start start) throws Exception {
        CliResult result = run(start, "generate", "--model", model().toString(), "--prefix", "分开");

        assertThat(result.err()).isEmpty();
        assertThat(result.out()).startsWith("分开");
    }

    private void assertFailsInOneLine(Start start) throws Exception {
        CliResult result = run(start, "generate", "--model", model().toString(), "--prefix", "分开");

        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err())
                .startsWith("libretto generate: ONNX Runtime cannot be loaded (" + temp)
                .contains("LIBRETTO_JAVA_OPTS=-Djava.io.tmpdir=DIR")
                .hasLineCount(1);
    }

    /** Makes the temp folder a file system of its own. */
    private void mountTemp(String options) throws Exception {
        List<String> unshare = List.of("unshare", "--mount", "--map-root-user");
        Process trial = new ProcessBuilder(Program.join(unshare, List.of("mount", "-t", "tmpfs", "tmpfs", ".")))
                .directory(temp.toFile())
                .start();
        assumeTrue(trial.waitFor() == 0, "this machine does not let the test mount a file system");
        String command = "mount -t tmpfs -o " + options + " tmpfs \"$TMPDIR\" && exec \"$@\"";
        mount = Program.join(unshare, List.of("bash", "-c", command, "bash"));
    }

    private CliResult run(Start start, String... arguments) throws Exception {
        List<String> options = List.of("-Djava.io.tmpdir=" + temp, "-Duser.home=" + home);
        List<String> line = new ArrayList<>(mount);
        switch (start) {
            case LAUNCHER -> line.add(Program.LAUNCHER);
            case JAR -> {
                line.add(Program.JAVA);
                line.addAll(options);
                line.addAll(List.of("-jar", Program.JAR.toString()));
            }
            case LIBRARY -> {
                line.add(Program.JAVA);
                line.addAll(options);
                // TensorFlow's libraries from where the build has unpacked them; copying them would take seconds.
                line.addAll(List.of(
                        "-Djava.library.path=" + Program.TARGET.resolve("native"),
                        "-Dorg.bytedeco.javacpp.pathsFirst=true",
                        "-cp",
                        trained.resolve("libretto.jar") + File.pathSeparator + Program.TARGET.resolve("lib/*"),
                        Main.class.getName()));
            }
        }
        line.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(line).directory(folder.toFile());
        builder.environment().put("HOME", home.toString());
        builder.environment().put("XDG_CACHE_HOME", home.resolve("cache").toString());
        builder.environment().put("TMPDIR", temp.toString());
        builder.environment().put("LIBRETTO_JAVA_OPTS", String.join(" ", options));
        CliResult result = Program.run(builder);
        return new CliResult(result.exitCode(), result.out(), withoutJavasWarnings(result.err()));
    }

    /** Java 24 and later warn of a missing temp folder and, without the launcher's option, of {@code sun.misc.Unsafe}. */
    private static String withoutJavasWarnings(String err) {
        return err.replaceAll("(?m)^WARNING: .*\n", "");
    }
}
