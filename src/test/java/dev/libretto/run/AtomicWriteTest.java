package dev.libretto.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files and directories are replaced completely or not at all. */
class AtomicWriteTest {
    private static final Predicate<String> OWN = name -> name.matches("a|b|b/c");

    @TempDir
    private Path folder;

    @Test
    void failedWriteKeepsTheExistingFile() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "older");
        assertThatThrownBy(() -> AtomicWrite.file(file, temporary -> {
                    Files.writeString(temporary, "half");
                    throw new IOException("No space left on device");
                }))
                .isInstanceOf(LibrettoException.class)
                .hasMessage(file + " could not be written: No space left on device");
        assertThat(file).hasContent("older");
        assertThat(files()).containsExactly("file");
    }

    @Test
    void directoryIsReplacedCompletely() throws IOException {
        Path directory = older();
        AtomicWrite.directory(true, directory, OWN, temporary -> {
            assertThat(directory.resolve("a")).hasContent("older");
            Files.writeString(temporary.resolve("a"), "newer");
        });
        assertThat(files()).containsExactly("model", "model/a");
        assertThat(directory.resolve("a")).hasContent("newer");
    }

    @Test
    void failedWriteKeepsTheExistingDirectory() throws IOException {
        Path directory = older();
        assertThatThrownBy(() -> AtomicWrite.directory(true, directory, OWN, temporary -> {
                    Files.writeString(temporary.resolve("a"), "half");
                    throw new IOException("No space left on device");
                }))
                .hasMessage(directory + " could not be written: No space left on device");
        assertThat(files()).containsExactly("model", "model/a", "model/b", "model/b/c");
        assertThat(directory.resolve("a")).hasContent("older");
    }

    /** At any depth, and even if it appears while the new directory is written. */
    @ParameterizedTest
    @ValueSource(strings = {"thesis", "b/thesis"})
    void directoryWithForeignFileIsNotReplaced(String foreign) throws IOException {
        Path directory = older();
        Path thesis = directory.resolve(foreign);
        String message =
                thesis + " was not written by Libretto, so " + directory + " is not replaced; name another directory";
        assertThatThrownBy(() -> AtomicWrite.directory(
                        true, directory, OWN, temporary -> Files.writeString(thesis, "years of work")))
                .hasMessage(message);
        assertThat(thesis).hasContent("years of work");
        assertThatThrownBy(() -> AtomicWrite.directory(true, directory, OWN, temporary -> {
                    throw new AssertionError("nothing is written");
                }))
                .hasMessage(message);
        assertThat(files()).containsExactlyInAnyOrder("model", "model/a", "model/b", "model/b/c", "model/" + foreign);
    }

    @Test
    void nothingIsReplacedUnlessAsked() throws IOException {
        Path directory = older();
        Path file = directory.resolve("a");
        assertThatThrownBy(() -> AtomicWrite.requireWritable(false, file))
                .hasMessage(file + " already exists; overwrite it, or name another");
        assertThatThrownBy(() -> AtomicWrite.requireWritable(true, directory))
                .hasMessage(directory + " is a directory; name a file");
        assertThatThrownBy(() -> AtomicWrite.requireWritable(true, file, folder.resolve("none/file")))
                .hasMessage("there is no directory " + folder.resolve("none") + " to write "
                        + folder.resolve("none/file") + " to; create it first");
        assertThatThrownBy(() -> AtomicWrite.requireWritableDirectory(false, directory, OWN))
                .hasMessage(directory + " already exists; overwrite it, or name another");
        assertThatThrownBy(() -> AtomicWrite.requireWritableDirectory(true, file, OWN))
                .hasMessage(file + " is not a directory; name another");
    }

    @ParameterizedTest
    @ValueSource(strings = {"file", "directory"})
    void signalKeepsTheExistingFileOrDirectory(String kind) throws Exception {
        Path directory = older();
        Path target = kind.equals("file") ? directory.resolve("a") : directory;
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Forever.class.getName(),
                        kind,
                        target.toString())
                .redirectErrorStream(true)
                .start();
        try (BufferedReader output = process.inputReader()) {
            assertThat(output.readLine()).isEqualTo("writing");
            assertThat(files()).hasSizeGreaterThan(4);
            // Process.destroy() would also close its output.
            process.toHandle().destroy();
            assertThat(process.waitFor()).isEqualTo(143);
            assertThat(output.lines()).isEmpty();
        }
        assertThat(files()).containsExactly("model", "model/a", "model/b", "model/b/c");
        assertThat(directory.resolve("a")).hasContent("older");
    }

    /** Writes until it is killed. */
    static final class Forever {
        private Forever() {}

        public static void main(String[] arguments) {
            try {
                write(Path.of(arguments[1]), arguments[0]);
            } catch (IOException e) {
                // As expected: the end of the process has deleted the files.
                LockSupport.park();
            }
        }

        private static void write(Path target, String kind) throws IOException {
            if (kind.equals("file")) {
                AtomicWrite.file(target, temporary -> {
                    try (OutputStream output = Files.newOutputStream(temporary)) {
                        output.write(1);
                        System.out.println("writing");
                        LockSupport.park();
                    }
                });
            } else {
                AtomicWrite.directory(true, target, OWN, temporary -> {
                    Path below = Files.createDirectory(temporary.resolve("b"));
                    for (int i = 0; ; i++) {
                        Files.createFile(below.resolve("c" + i));
                        if (i == 0) {
                            System.out.println("writing");
                        }
                    }
                });
            }
        }
    }

    private Path older() throws IOException {
        Path directory = Files.createDirectories(folder.resolve("model/b"));
        Files.writeString(directory.resolve("c"), "older");
        Files.writeString(directory.resolveSibling("a"), "older");
        return directory.getParent();
    }

    private List<String> files() throws IOException {
        try (Stream<Path> tree = Files.walk(folder)) {
            return tree.filter(path -> !path.equals(folder))
                    .map(path -> folder.relativize(path).toString())
                    .sorted()
                    .toList();
        }
    }
}
