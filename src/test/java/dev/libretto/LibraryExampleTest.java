package dev.libretto;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The documented example of the library is {@link LibraryExample}, and it runs. */
class LibraryExampleTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"docs/library.md", "docs/library.zh.md"})
    void pageShowsTheExample(String page) throws IOException {
        String source = Files.readString(Path.of("src/test/java/dev/libretto/LibraryExample.java"));
        String method = source.substring(source.indexOf("    static void"), source.lastIndexOf('}'));

        assertThat(Files.readString(Path.of(page)))
                .contains("```java\n" + method.replaceAll("(?m)^ {4}", "") + "```\n");
    }

    @Test
    void exampleTrainsAndWrites() throws IOException {
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        PrintStream out = System.out;
        System.setOut(new PrintStream(written, true, UTF_8));
        try {
            LibraryExample.trainAndWrite(folder.resolve("run"));
        } finally {
            System.setOut(out);
        }

        assertThat(written.toString(UTF_8).codePoints().count()).isEqualTo(20);
        assertThat(Files.readAllLines(folder.resolve("run/metrics.csv"))).hasSize(11);
    }
}
