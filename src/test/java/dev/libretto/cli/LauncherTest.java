package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The launcher in a fake build folder, with a fake Java that records its arguments. */
class LauncherTest {
    @TempDir
    private Path home;

    private Path calls;

    @BeforeEach
    void build() throws IOException {
        calls = home.resolve("calls");
        Files.copy(Path.of("libretto"), home.resolve("libretto"));
        for (String folder : List.of("src/main", "src/bench/java", "data", "target", "jdk/bin")) {
            Files.createDirectories(home.resolve(folder));
        }
        Files.createFile(home.resolve("pom.xml"));
        build("target");
    }

    private void build(String place) throws IOException {
        Path target = Files.createDirectories(home.resolve(place));
        for (String name : List.of("libretto.jar", "built")) {
            Path file = Files.createFile(target.resolve(name));
            // The launcher compares modification times.
            Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(name.equals("built") ? 60 : -60)));
        }
    }

    @Test
    void failedClassArchiveIsTriedOncePerBuild() throws Exception {
        java("exit 1");
        launch();
        launch();

        assertThat(calls()).hasSize(3);
        assertThat(calls().get(0)).contains("-XX:ArchiveClassesAtExit");
        assertThat(calls().subList(1, 3)).noneMatch(call -> call.contains("Archive"));
        assertThat(target()).containsExactlyInAnyOrder("built", "libretto.jar", archive("17.0.15"));
    }

    @Test
    void classArchiveIsCreatedAndUsed() throws Exception {
        java("pwd >>../../calls; echo classes >libretto.jsa");
        launch();
        launch();

        assertThat(calls()).hasSize(4);
        assertThat(calls().get(1)).startsWith(home.toRealPath().resolve("target") + "/");
        Path archive = home.resolve("target").resolve(archive("17.0.15"));
        assertThat(calls().subList(2, 4)).allMatch(call -> call.contains("-XX:SharedArchiveFile=" + archive));
        assertThat(target()).containsExactlyInAnyOrder("built", "libretto.jar", archive("17.0.15"));
    }

    /** An archive of another Java would be ignored. */
    @Test
    void eachJavaHasItsOwnArchive() throws Exception {
        java("echo classes >libretto.jsa");
        launch();
        Files.writeString(home.resolve("jdk/release"), "JAVA_VERSION=\"25.0.3\"\n");
        launch();
        launch();

        assertThat(target()).containsExactlyInAnyOrder("built", "libretto.jar", archive("17.0.15"), archive("25.0.3"));
        assertThat(calls()).hasSize(5);
        assertThat(calls().subList(3, 5))
                .allMatch(call -> call.contains("-XX:SharedArchiveFile=" + home.resolve("target") + "/")
                        && call.contains("-25.0.3.jsa"));
    }

    /** Java 17 does not know the option, and Java 25 warns without it. */
    @ParameterizedTest
    @CsvSource({"17.0.15, false", "21.0.4, false", "23, true", "25.0.3, true", "26-ea, true"})
    void unsafeIsAllowedIfJavaHasTheOption(String version, boolean allowed) throws Exception {
        java("exit 1");
        Files.writeString(home.resolve("jdk/release"), "IMPLEMENTOR=\"Some\"\nJAVA_VERSION=\"" + version + "\"\n");
        launch();
        assertThat(calls()).allMatch(call -> call.contains(" --sun-misc-unsafe-memory-access=allow ") == allowed);
    }

    @Test
    void javaWithoutReleaseFileIsStartedForItsVersion() throws Exception {
        java("exit 1");
        Files.delete(home.resolve("jdk/release"));
        launch();
        assertThat(calls().get(0)).isEqualTo("-version");
        assertThat(calls().subList(1, 3)).allMatch(call -> call.contains("--sun-misc-unsafe-memory-access=allow"));
    }

    /** As sent by ssh and macOS if the locale is not installed, or there is no command {@code locale}. */
    @ParameterizedTest
    @CsvSource({
        "LC_ALL, C, exit 127, C.UTF-8",
        "LC_ALL, C, , C.UTF-8",
        "LANG, xx_XX.UTF-8, , C.UTF-8",
        "LC_CTYPE, UTF-8, , C.UTF-8",
        "LANG, C.UTF-8, ,",
        "LC_CTYPE, C.UTF-8, ,"
    })
    void charmapIsUtf8(String variable, String value, String locale, String expected) throws Exception {
        java("exit 1");
        String path = System.getenv("PATH");
        if (locale != null) {
            Path command = Files.writeString(home.resolve("locale"), "#!/bin/sh\n" + locale + "\n");
            assertThat(command.toFile().setExecutable(true)).isTrue();
            path = home + ":" + path;
        }
        launch(Map.of(variable, value, "PATH", path));
        if (expected == null) {
            assertThat(environment()).noneMatch(line -> line.startsWith("LC_ALL="));
        } else {
            assertThat(environment()).contains("LC_ALL=" + expected);
        }
    }

    /** Java would open one of its files under the descriptor of a closed stream. */
    @Test
    void writingToClosedStdoutFails() throws Exception {
        java("exit 1");
        launch();
        Path streams = home.resolve("streams");
        Files.writeString(home.resolve("jdk/bin/java"), """
                #!/bin/sh
                echo "$(readlink /proc/$$/fd/0) $(readlink /proc/$$/fd/1) $(readlink /proc/$$/fd/2)" >%s
                echo text || echo refused >>%s
                """.formatted(streams, streams));
        ProcessBuilder builder =
                new ProcessBuilder("bash", "-c", "exec bash " + home.resolve("libretto") + " info <&- >&- 2>&-");
        builder.environment().put("JAVA_HOME", home.resolve("jdk").toString());
        builder.start().waitFor();

        assertThat(streams).hasContent("/dev/null /dev/null /dev/null\nrefused");
    }

    @Test
    void buildsWithClosedStderr() throws Exception {
        java("exit 1");
        Path built = home.resolve("target/built");
        Files.delete(built);
        Path maven = Files.writeString(home.resolve("mvn"), "#!/bin/sh\ntouch %s\n".formatted(built));
        assertThat(maven.toFile().setExecutable(true)).isTrue();
        ProcessBuilder builder =
                new ProcessBuilder("bash", "-c", "exec bash " + home.resolve("libretto") + " info 2>&-");
        builder.environment().put("JAVA_HOME", home.resolve("jdk").toString());
        builder.environment().put("PATH", home + ":" + System.getenv("PATH"));
        builder.start().waitFor();

        assertThat(calls().get(1)).endsWith("libretto.jar info");
    }

    /** Maven decodes folder names with it. */
    @Test
    void buildRunsWithUtf8Charmap() throws Exception {
        java("exit 1");
        Path built = home.resolve("target/built");
        Files.delete(built);
        Path seen = home.resolve("seen");
        Path maven = Files.writeString(
                home.resolve("mvn"), "#!/bin/sh\necho \"$LC_ALL\" >%s\ntouch %s\n".formatted(seen, built));
        assertThat(maven.toFile().setExecutable(true)).isTrue();
        launch(Map.of("LC_ALL", "C", "PATH", home + ":" + System.getenv("PATH")));
        assertThat(seen).hasContent("C.UTF-8");
    }

    /** A Java that records its arguments and environment, and runs a command when asked to archive its classes. */
    private void java(String whenArchiving) throws IOException {
        Path java = Files.writeString(
                home.resolve("jdk/bin/java"), """
                #!/bin/sh
                echo "$*" >>%s
                env >%s
                case "$*" in
                  *ArchiveClassesAtExit*) %s ;;
                  -version) echo 'openjdk version "25.0.3" 2026-04-21 LTS' >&2 ;;
                esac
                """.formatted(calls, home.resolve("environment"), whenArchiving));
        assertThat(java.toFile().setExecutable(true)).isTrue();
        Files.writeString(home.resolve("jdk/release"), "JAVA_VERSION=\"17.0.15\"\n");
    }

    private String archive(String version) throws IOException {
        return "libretto" + home.resolve("jdk").toRealPath().toString().replace('/', '-') + "-" + version + ".jsa";
    }

    private void launch() throws Exception {
        launch(Map.of());
    }

    private void launch(Map<String, String> environment) throws Exception {
        ProcessBuilder builder =
                new ProcessBuilder("bash", home.resolve("libretto").toString(), "info").inheritIO();
        builder.environment().put("JAVA_HOME", home.resolve("jdk").toString());
        builder.environment()
                .keySet()
                .removeIf(name -> name.startsWith("LC_") || name.equals("LANG") || name.equals("LIBRETTO_BUILD"));
        builder.environment().putAll(environment);
        assertThat(builder.start().waitFor()).isZero();
    }

    private List<String> calls() throws IOException {
        return Files.readAllLines(calls);
    }

    private List<String> environment() throws IOException {
        return Files.readAllLines(home.resolve("environment"));
    }

    private List<String> target() throws IOException {
        try (Stream<Path> files = Files.list(home.resolve("target"))) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
