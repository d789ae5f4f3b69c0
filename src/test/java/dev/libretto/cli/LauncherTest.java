package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher, in a folder that looks like a build, with a Java that only notes how it is started. */
class LauncherTest {
    @TempDir
    private Path home;

    private Path calls;

    @BeforeEach
    void build() throws IOException {
        calls = home.resolve("calls");
        Files.copy(Path.of("libretto"), home.resolve("libretto"));
        for (String folder : List.of("src/main", "data", "target", "jdk/bin")) {
            Files.createDirectories(home.resolve(folder));
        }
        Files.createFile(home.resolve("pom.xml"));
        build("target");
    }

    private void build(String place) throws IOException {
        Path target = Files.createDirectories(home.resolve(place));
        for (String name : List.of("libretto.jar", "built")) {
            Path file = Files.createFile(target.resolve(name));
            // The launcher compares times.
            Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(name.equals("built") ? 60 : -60)));
        }
    }

    @Test
    void whereTheArchiveOfClassesCannotBeMadeItIsTriedOncePerBuild() throws Exception {
        java("exit 1");
        launch();
        launch();

        assertThat(calls()).hasSize(3);
        assertThat(calls().get(0)).contains("-XX:ArchiveClassesAtExit");
        assertThat(calls().subList(1, 3)).noneMatch(call -> call.contains("Archive"));
        assertThat(target()).containsExactly("built", "libretto.jar", "libretto.jsa");
    }

    @Test
    void theArchiveIsMadeBesideItsPlaceAndUsed() throws Exception {
        java("pwd >>../../calls; echo classes >libretto.jsa");
        launch();
        launch();

        assertThat(calls()).hasSize(4);
        assertThat(calls().get(1)).startsWith(home.toRealPath().resolve("target") + "/");
        assertThat(calls().subList(2, 4))
                .allMatch(call -> call.contains("-XX:SharedArchiveFile=" + home.resolve("target/libretto.jsa")));
        assertThat(target()).containsExactly("built", "libretto.jar", "libretto.jsa");
    }

    @Test
    void theCudaBuildIsToAddUpInAFixedOrder() throws Exception {
        java("exit 1");
        launch();
        assertThat(environment())
                .contains("TF_ENABLE_ONEDNN_OPTS=1")
                .noneMatch(variable -> variable.startsWith("TF_D") || variable.startsWith("CUBLAS"));

        build("target/gpu");
        launch();
        assertThat(environment())
                .contains(
                        "TF_DETERMINISTIC_OPS=1",
                        "TF_DISABLE_SCATTER_OP_DETERMINISM=1",
                        "CUBLAS_WORKSPACE_CONFIG=:4096:8");

        launch(Map.of("TF_DETERMINISTIC_OPS", "0"));
        assertThat(environment()).contains("TF_DETERMINISTIC_OPS=0");
    }

    /** A Java that notes its arguments and its environment, and does something when it is to archive its classes. */
    private void java(String whenArchiving) throws IOException {
        Path java = Files.writeString(
                home.resolve("jdk/bin/java"), """
                #!/bin/sh
                echo "$*" >>%s
                env >%s
                case "$*" in *ArchiveClassesAtExit*) %s ;; esac
                """.formatted(calls, home.resolve("environment"), whenArchiving));
        assertThat(java.toFile().setExecutable(true)).isTrue();
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
                .removeIf(
                        name -> name.startsWith("TF_") || name.startsWith("CUBLAS_") || name.equals("LIBRETTO_BUILD"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
    }

    private List<String> calls() throws IOException {
        return Files.readAllLines(calls);
    }

    private List<String> environment() throws IOException {
        return Files.readAllLines(home.resolve("environment"));
    }

    private List<String> target() throws IOException {
        try (Stream<Path> files = Files.list(home.resolve("target"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
