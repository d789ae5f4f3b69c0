package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.cli.GenerateFlags.Unknown;
import dev.libretto.text.Corpus;
import dev.libretto.text.Normalization;
import dev.libretto.text.Vocabulary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrefixTest {
    @TempDir
    private Path folder;

    /** A text is the same prefix with any line ends, unless the model distinguishes them. */
    @ParameterizedTest
    @CsvSource({
        "'ab \\n',    'a\\nb\\n\\nb'",
        "'ab\\n',     'a\\nb\\n\\nb'",
        "'ab \\r',    'a\\rb\\r\\rb'",
        "'ab ',       'a b  b'",
        "'ab \\r\\n', 'a\\r\\nb\\r\\n\\nb'",
    })
    void lineEndsAreConvertedToTheModels(String known, String expected) {
        Vocabulary vocabulary = vocabulary(known.translateEscapes());

        int[] ids = Prefix.encode(vocabulary, "a\r\nb\r\n\nb", "it", Unknown.ERROR);

        assertThat(vocabulary.decode(ids)).isEqualTo(expected.translateEscapes());
    }

    @Test
    void textsAreNormalizedAsTheTrainingText() {
        Vocabulary vocabulary = Vocabulary.ofSymbols(List.of("f", "i", "\u00e9"), false, Normalization.NFKC);

        assertThat(vocabulary.decode(Prefix.encode(vocabulary, "\ufb01e\u0301", "it", Unknown.ERROR)))
                .isEqualTo("fi\u00e9");
        assertThat(vocabulary.decode(Prefix.encode(vocabulary, "\ufb01e\u0301?", "it", Unknown.SKIP)))
                .isEqualTo("fi\u00e9");
        assertThat(vocabulary.decode(Prefix.encode(vocabulary, "e\u0301", "--stop", "remove it")))
                .isEqualTo("\u00e9");
    }

    @Test
    void linesMayEndInAnyWay() throws Exception {
        Vocabulary vocabulary = vocabulary("abc\n");
        Path file = Files.writeString(folder.resolve("lines.txt"), "a\r\nb\rc\n\u2028ab");
        try (Prefixes lines = Prefixes.lines(file, 9, null, vocabulary, Unknown.SKIP)) {
            assertThat(lines.next().stream().map(vocabulary::decode)).containsExactly("a", "b", "c", "ab");
        }
        Path whole = Files.writeString(folder.resolve("whole.txt"), "a\rb\r");
        try (Prefixes text = Prefixes.file(whole, null, vocabulary, Unknown.ERROR)) {
            assertThat(text.next().stream().map(vocabulary::decode)).containsExactly("a\nb");
        }
    }

    @Test
    void unknownNewlineIsNamed() {
        assertThatThrownBy(() -> Prefix.encode(vocabulary("ab"), "a\nb", "it", Unknown.ERROR))
                .hasMessageStartingWith("it: '\\n' (U+000A) is not in the vocabulary");
    }

    @Test
    void lengthIsLimitedInCharacters() {
        String longest = "😀".repeat(Prefix.MAX_CHARACTERS);
        Vocabulary vocabulary = vocabulary("😀");

        assertThat(Prefix.encode(vocabulary, longest, "it", Unknown.ERROR)).hasSize(1_000_000);
        assertThatThrownBy(() -> Prefix.encode(vocabulary, longest + "😀", "it", Unknown.ERROR))
                .hasMessage("it is longer than 1,000,000 characters, the maximum for a prefix; shorten it");
    }

    private static Vocabulary vocabulary(String characters) {
        return Vocabulary.of(new Corpus("test", characters.codePoints().toArray()));
    }
}
