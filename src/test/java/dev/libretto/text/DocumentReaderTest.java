package dev.libretto.text;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Texts as documents; {@code |} shows where one begins, and where the last ends. */
class DocumentReaderTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        // Names
        "LINES, emma\\nava\\n, |emma|ava|",
        "LINES, emma\\nava, |emma|ava|",
        "LINES, \\n\\nemma\\r\\n\\r\\n  \\n ava b \\r陈\\n, '|emma| ava b |陈|'",
        // Verses
        "BLANK_LINES, 床前\\n明月光\\n\\n疑是\\n地上霜\\n, |床前\\n明月光|疑是\\n地上霜|",
        "BLANK_LINES, a\\r\\nb\\r\\n\\r\\nc\\r\\n, |a\\nb|c|",
        "BLANK_LINES, \\na\\n \\t\\n\\n  b\\n   c\\n\\n, |a|  b\\n   c|",
        "BLANK_LINES, a\\n, |a|",
        // Files
        "FILES, \\n\\n a\\n\\n\\nb\\n\\n, '| a\\n\\n\\nb|'",
        "FILES, 😀, |😀|",
        "NONE, a\\n\\nb\\n, a\\n\\nb\\n"
    })
    void textIsDividedIntoDocuments(Documents documents, String text, String expected) throws IOException {
        Path file = Files.writeString(folder.resolve("text.txt"), text.translateEscapes());
        CorpusOptions options = CorpusOptions.WHOLE_TEXT.withKeepNewlines(true).withDocuments(documents);

        Corpus corpus = Corpus.read(file, options);

        assertThat(shown(corpus)).isEqualTo(expected.translateEscapes());
        assertThat(corpus.options()).isEqualTo(options);
        long marks = expected.chars().filter(c -> c == '|').count();
        assertThat(corpus.documents()).isEqualTo(Math.max(0, marks - 1));
        assertThat(corpus.characters()).isEqualTo(corpus.length() - marks);
    }

    /** The naive way: split the whole text by a pattern. */
    @ParameterizedTest
    @EnumSource(names = {"LINES", "BLANK_LINES"})
    void randomTextsMatchAPattern(Documents documents) throws IOException {
        RandomGenerator random = new SplittableRandom(1);
        String end = documents == Documents.LINES ? "\n" : "\n(?:[ \u3000]*\n)+";
        for (int i = 0; i < 2000; i++) {
            String text = IntStream.range(0, 1 + random.nextInt(30))
                    .mapToObj(c -> "ab\n\n \u3000".substring(c = random.nextInt(6), c + 1))
                    .collect(Collectors.joining());
            List<String> expected = new ArrayList<>();
            String between = "\n".repeat(documents == Documents.LINES ? 1 : 2);
            for (String document : (between + text + between).split(end)) {
                if (!document.isBlank()) {
                    expected.add(document);
                }
            }
            assertThat(read(text, documents)).as(text).isEqualTo(expected);
        }
    }

    private static List<String> read(String text, Documents documents) throws IOException {
        CodePointReader input =
                new CodePointReader(new ByteArrayInputStream(text.getBytes(UTF_8)), CorpusOptions.WHOLE_TEXT, "text");
        int[] codePoints = new int[100];
        int count = new DocumentReader(input, documents).read(codePoints, codePoints.length);
        String marked = shown(Arrays.copyOf(codePoints, count));
        return marked.isEmpty() ? List.of() : List.of(marked.substring(1).split("\\|"));
    }

    @Test
    void filesAreDocumentsOfTheirOwn() throws IOException {
        Path one = Files.writeString(folder.resolve("1.txt"), "床前\n明月光\n");
        Path two = Files.writeString(folder.resolve("2.txt"), "");
        Path three = Files.writeString(folder.resolve("3.txt"), "疑是");
        CorpusFiles files = CorpusFiles.of(List.of(one, two, three), CorpusOptions.WHOLE_TEXT);
        for (Documents documents : List.of(Documents.FILES, Documents.BLANK_LINES)) {
            CorpusOptions options = CorpusOptions.WHOLE_TEXT.withDocuments(documents);
            assertThat(shown(new CorpusReader().read(files, options))).isEqualTo("|床前 明月光|疑是|");
        }
        assertThat(shown(new CorpusReader().read(files, CorpusOptions.WHOLE_TEXT)))
                .isEqualTo("床前 明月光 疑是");
    }

    @Test
    void memoryLimitWritesTheSameToAnIndex() throws IOException {
        Path file = Files.writeString(folder.resolve("names.txt"), "emma\nolivia\n".repeat(200));
        CorpusOptions options = CorpusOptions.WHOLE_TEXT.withDocuments(Documents.LINES);
        CorpusFiles files = CorpusFiles.of(List.of(file), CorpusOptions.WHOLE_TEXT);
        Corpus expected = Corpus.read(file, options);
        CorpusReader reader = new CorpusReader(folder.resolve("cache"), CorpusReader.Listener.NONE, 50);
        for (int pass = 0; pass < 2; pass++) {
            Corpus indexed = reader.read(files, options);
            assertThat(CodePoints.of(indexed)).isEqualTo(CodePoints.of(expected));
            assertThat(indexed.documents()).isEqualTo(400);
            assertThat(indexed.sha256()).isEqualTo(expected.sha256());
        }
        assertThat(reader.read(files, options.withDocuments(Documents.FILES)).documents())
                .as("another index")
                .isOne();
    }

    @Test
    void hashDependsOnTheDocuments() throws LibrettoException {
        String once = Corpus.ofDocuments(List.of("ab", "c")).sha256();
        assertThat(Corpus.ofDocuments(List.of("ab", "c")).sha256()).isEqualTo(once);
        assertThat(Corpus.ofDocuments(List.of("a", "bc")).sha256()).isNotEqualTo(once);
        assertThat(Corpus.of("abc").sha256()).isNotEqualTo(once);
    }

    /** The last document is cut off, so it has no end. */
    @ParameterizedTest
    @CsvSource({"1, |, 1", "4, |emm, 1", "5, |emma, 1", "6, |emma|, 1", "7, |emma|a, 2", "10, |emma|ava|, 2"})
    void maxCharsCountsEnds(int maxChars, String expected, int documents) throws IOException {
        Path file = Files.writeString(folder.resolve("names.txt"), "emma\nava\n");
        Corpus corpus = Corpus.read(
                file, CorpusOptions.WHOLE_TEXT.withDocuments(Documents.LINES).withMaxChars(maxChars));
        assertThat(shown(corpus)).isEqualTo(expected);
        assertThat(corpus.documents()).isEqualTo(maxChars == 1 ? 0 : documents);
    }

    @Test
    void documentsInMemoryAreReadAsTheyAre() throws LibrettoException {
        assertThat(shown(Corpus.ofDocuments(List.of("a\n", " 😀")))).isEqualTo("|a\n| 😀|");
        assertThatThrownBy(() -> Corpus.ofDocuments(List.of("a", "")))
                .hasMessage("one of the documents is empty; each needs at least one character");
        assertThatThrownBy(() -> Corpus.ofDocuments(List.of()))
                .hasMessage("there are no documents; at least one is needed");
        assertThatThrownBy(() -> Corpus.read(
                        Files.writeString(folder.resolve("blank.txt"), "\n \n"),
                        CorpusOptions.WHOLE_TEXT.withDocuments(Documents.LINES)))
                .hasMessageEndingWith("blank.txt is empty; a corpus needs text");
    }

    private static String shown(Corpus corpus) {
        return shown(CodePoints.of(corpus));
    }

    private static String shown(int... codePoints) {
        return Arrays.stream(codePoints)
                .mapToObj(c -> c == Vocabulary.END ? "|" : Character.toString(c))
                .collect(Collectors.joining());
    }
}
