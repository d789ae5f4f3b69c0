package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.libretto.TrainAgain;
import dev.libretto.device.Build;
import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Results are the same for every way to start Libretto, user, locale and Java version. */
class PlatformIT {
    private static final List<String> JAR = List.of(Program.JAVA, "-jar", Program.JAR.toString());
    private static final List<String> TINY = List.of(
            "train --epochs 2 --report-every 1 --max-chars 1000 --batch-size 4 --seq-length 5 --hidden-size 16 --length 5"
                    .split(" "));

    @TempDir
    private Path folder;

    /** At the textbook's sizes, oneDNN's products round differently from Eigen's. */
    @ParameterizedTest
    @ValueSource(strings = {"rnn", "lstm"})
    void sameSeedGivesSameBitsHoweverLibrettoIsStarted(String cell) throws Exception {
        List<String> train = List.of("train", "--device", "cpu", "--epochs", "1", "--cell", cell, "--run");
        assertThat(run(List.of(Program.LAUNCHER), Program.join(train, List.of("launcher")))
                        .exitCode())
                .isZero();
        assertThat(run(JAR, Program.join(train, List.of("jar"))).exitCode()).isZero();
        String classPath = String.join(
                File.pathSeparator,
                Path.of(Build.class
                                .getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                                .toURI())
                        .toString(),
                Program.TARGET + "/test-classes",
                Program.TARGET + "/lib/*");
        List<String> library =
                List.of(Program.JAVA, "-cp", classPath, TrainAgain.class.getName(), "launcher", "library");
        assertThat(run(library, List.of()).exitCode()).isZero();

        assertThat(results("jar")).isEqualTo(results("launcher"));
        assertThat(results("library")).isEqualTo(results("launcher"));
    }

    /** The first three locales have other digits than ASCII; in Turkish, the lower case of I is not i. */
    @Test
    void localeDoesNotChangeResults() throws Exception {
        List<String> launcher = List.of(Program.LAUNCHER);
        List<String> train = Program.join(launcher, Program.join(TINY, List.of("--run", "run", "--overwrite")));
        List<String> generate =
                Program.join(launcher, List.of("generate", "--run", "run", "--prefix", "分开", "--length", "8"));
        CliResult expected = start(folder, Map.of(), train);
        String results = results("run");
        CliResult text = start(folder, Map.of(), generate);
        for (String locale : List.of("ar EG", "fa IR", "mr IN", "tr TR")) {
            String[] names = locale.split(" ");
            Map<String, String> environment =
                    Map.of("LIBRETTO_JAVA_OPTS", "-Duser.language=" + names[0] + " -Duser.country=" + names[1]);
            CliResult result = start(folder, environment, train);

            assertThat(withoutTimes(result.err())).as(locale).isEqualTo(withoutTimes(expected.err()));
            assertThat(withoutTimes(result.out())).as(locale).isEqualTo(withoutTimes(expected.out()));
            assertThat(results("run")).as(locale).isEqualTo(results);
            assertThat(start(folder, environment, generate)).as(locale).isEqualTo(text);
        }
    }

    private static String withoutTimes(String report) {
        return report.replaceAll("time \\S+ sec", "time");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void userWithoutPasswdEntryHasACacheDirectory(boolean hasHome) throws Exception {
        List<String> nobody = List.of("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups");
        assumeTrue(
                canRun(List.of(
                        "sh",
                        "-c",
                        String.join(" ", nobody) + " test -r '" + JAR.get(2) + "' -a -x '" + Program.JAVA + "'")),
                "it takes root, setpriv, and a checkout that others can read");
        for (String name : List.of("here", "home", "tmp")) {
            Files.setPosixFilePermissions(
                    Files.createDirectory(folder.resolve(name)), PosixFilePermissions.fromString("rwxrwxrwx"));
        }
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        String temp = "-Djava.io.tmpdir=" + folder.resolve("tmp");
        Map<String, String> environment =
                Map.of("HOME", hasHome ? folder.resolve("home").toString() : "", "LIBRETTO_JAVA_OPTS", temp);
        for (List<String> start : List.of(List.of(Program.LAUNCHER), List.of(Program.JAVA, temp, "-jar", JAR.get(2)))) {
            CliResult result =
                    start(folder.resolve("here"), environment, Program.join(nobody, Program.join(start, TINY)));

            assertThat(result.exitCode()).as(result.err()).isZero();
            try (Stream<Path> files = Files.list(folder.resolve("here"))) {
                assertThat(files.map(file -> file.getFileName().toString())).containsExactly("runs");
            }
        }
    }

    /** As on a file system that forbids executables, or with a dependency that only JavaCPP finds. */
    @Test
    void libraryThatCannotBeLoadedIsUnpackedIntoTheCache() throws Exception {
        Path jar = Files.copy(Program.JAR, folder.resolve("libretto.jar"));
        String broken = System.mapLibraryName("jnitensorflow");
        Files.writeString(Files.createDirectory(folder.resolve("native")).resolve(broken), "no library");
        Path cache = folder.resolve("cache");
        List<String> java = List.of(
                Program.JAVA,
                "-Dorg.bytedeco.javacpp.cachedir=" + cache,
                "-cp",
                jar + File.pathSeparator + Program.TARGET + "/lib/*",
                "dev.libretto.cli.Main");

        CliResult result = run(java, TINY);

        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(cache).isDirectoryRecursivelyContaining("glob:**/" + broken);
    }

    private static boolean canRun(List<String> line) throws IOException, InterruptedException {
        try {
            return new ProcessBuilder(line).redirectErrorStream(true).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** Java 24 and later warn about native access and {@code sun.misc.Unsafe}. */
    @ParameterizedTest
    @MethodSource("javaHomes")
    void noCommandPrintsAWarning(Path javaHome) throws Exception {
        Files.writeString(folder.resolve("text.txt"), "不分开");
        Map<String, String> environment = Map.of("JAVA_HOME", javaHome.toString());
        for (String line : List.of(
                "train --preset tiny --epochs 1 --run run",
                "train --resume run --epochs 2",
                "generate --run run --prefix 分开",
                "evaluate --run run --corpus text.txt",
                "plot run --out run.svg",
                "export --run run --out model.onnx",
                "generate --model model.onnx --prefix 分开",
                "export --run run --out weights.safetensors",
                "import --weights weights.safetensors --run imported",
                "info run",
                "doctor --device cpu")) {
            CliResult result =
                    start(folder, environment, Program.join(List.of(Program.LAUNCHER), List.of(line.split(" "))));

            assertThat(result.exitCode()).as(line + result.err()).isZero();
            assertThat(result.err()).as(line).doesNotContainIgnoringCase("warning");
        }
    }

    /** Returns this Java, and 25 where it is installed. */
    static List<Path> javaHomes() throws IOException {
        List<Path> homes = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"))));
        Path installed = Path.of("/usr/lib/jvm");
        if (Files.isDirectory(installed) && Runtime.version().feature() != 25) {
            try (DirectoryStream<Path> found = Files.newDirectoryStream(installed, "*25*")) {
                found.forEach(homes::add);
            }
        }
        return homes;
    }

    @Test
    void deniedUnsafeAccessIsReportedInOneLine() throws Exception {
        assumeTrue(Runtime.version().feature() >= 23, "this Java cannot deny access to sun.misc.Unsafe");
        CliResult denied = run(List.of(Program.JAVA, "--sun-misc-unsafe-memory-access=deny", "-jar", JAR.get(2)), TINY);
        assertThat(denied.exitCode()).isEqualTo(1);
        assertThat(denied.err())
                .isEqualTo("libretto train: this Java denies access to sun.misc.Unsafe, which TensorFlow Java needs;"
                        + " start it with --sun-misc-unsafe-memory-access=allow\n");
    }

    /** The bits of a run: its checkpoints, and its metrics without times. */
    private String results(String run) throws IOException {
        StringBuilder results = new StringBuilder();
        try (Stream<Path> files = Files.walk(folder.resolve(run))) {
            for (Path file : files.sorted().toList()) {
                if (file.getFileName().toString().startsWith("weights.data")) {
                    results.append(java.util.HexFormat.of().formatHex(Files.readAllBytes(file)))
                            .append('\n');
                }
            }
        }
        assertThat(results).isNotEmpty();
        for (String line : Files.readAllLines(folder.resolve(run).resolve("metrics.csv"))) {
            results.append(String.join(",", List.of(line.split(",")).subList(0, 3)))
                    .append('\n');
        }
        return results.toString();
    }

    private CliResult run(List<String> start, List<String> arguments) throws Exception {
        return start(folder, Map.of(), Program.join(start, arguments));
    }

    private static CliResult start(Path directory, Map<String, String> environment, List<String> line)
            throws Exception {
        ProcessBuilder builder = new ProcessBuilder(line).directory(directory.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("TF_") || name.startsWith("CUBLAS_"));
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().putAll(environment);
        return Program.run(builder);
    }
}
