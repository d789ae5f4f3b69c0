package dev.libretto;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
        int table = source.indexOf("    /** What the page's table has. */");
        String method =
                source.substring(source.indexOf("    static void"), table).strip() + "\n";

        assertThat(Files.readString(Path.of(page)))
                .contains("```java\n" + method.replaceAll("(?m)^ {4}", "") + "```\n");
        List<String> statements = source.substring(source.indexOf("throws IOException {", table))
                .lines()
                .filter(line -> line.endsWith(";"))
                .map(line -> "`" + line.strip().replaceFirst("^builder", "").replaceFirst(";$", "") + "`")
                .toList();
        assertThat(Files.readString(Path.of(page))).contains(statements);
    }

    @Test
    void exampleTrainsAndWrites() throws IOException {
        Path novel = Files.writeString(folder.resolve("novel.txt"), "Once upon a time.\n".repeat(200));
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        PrintStream out = System.out;
        System.setOut(new PrintStream(written, true, UTF_8));
        try {
            LibraryExample.trainAndWrite(novel);
        } finally {
            System.setOut(out);
        }

        List<String> lines = written.toString(UTF_8).lines().toList();
        assertThat(lines.subList(0, 10)).allMatch(line -> line.matches("\\d+ \\d+\\.\\d+"));
        assertThat(String.join("\n", lines.subList(10, lines.size())))
                .startsWith("Once upon")
                .hasSize("Once upon".length() + 200);
    }
}
