package dev.libretto.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class VocabularyTest {
    @Test
    void idsFollowCodePointOrder() {
        Vocabulary vocabulary = of("b😀a开b");

        assertThat(vocabulary.symbols()).containsExactly("a", "b", "开", "😀");
        assertThat(vocabulary.encode("b😀a开b")).containsExactly(1, 3, 0, 2, 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a", "分开不分开", "😀👨‍👩‍👧é", "\n\r\t\0", "\u2028\uD7FF\uE000\uFFFF"})
    void decodeInvertsEncode(String text) {
        Vocabulary vocabulary = of(text + "x");

        assertThat(vocabulary.decode(vocabulary.encode(text))).isEqualTo(text);
    }

    @ParameterizedTest
    @MethodSource("randomTexts")
    void decodeInvertsEncodeOfRandomText(String text) {
        Vocabulary vocabulary = of(text);

        assertThat(vocabulary.decode(vocabulary.encode(text))).isEqualTo(text);
        assertThat(Vocabulary.ofSymbols(vocabulary.symbols(), false).encode(text))
                .isEqualTo(vocabulary.encode(text));
    }

    static List<String> randomTexts() {
        Random random = new Random(7);
        return random.ints(100, 1, 200)
                .mapToObj(length -> random.ints(0, 0x110000)
                        .filter(c -> c < 0xD800 || c > 0xDFFF)
                        .limit(length)
                        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                        .toString())
                .toList();
    }

    @Test
    void messageNamesUnknownCharacter() {
        assertThatThrownBy(() -> of("ab").encode("a猫b"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("'猫' (U+732B) is not in the vocabulary");
        assertThatThrownBy(() -> of("ab").encode("a\nb")).hasMessage("'\\n' (U+000A) is not in the vocabulary");
    }

    @Test
    void encodeKnownSkipsUnknownCharacters() {
        assertThat(of("ab").encodeKnown("a猫b😀a")).containsExactly(0, 1, 0);
    }

    @Test
    void rareCharactersBecomeUnknown() {
        Corpus corpus = corpus("aab猫b😀z\uFFFDz");
        Vocabulary vocabulary = Vocabulary.of(corpus, 2);

        assertThat(vocabulary.symbols()).containsExactly("a", "b", "z", "\uFFFD");
        assertThat(vocabulary.hasUnknown()).isTrue();
        assertThat(vocabulary.countUnknown(corpus)).isEqualTo(2);
        assertThat(vocabulary.encode("a猫\uFFFD😀b")).containsExactly(0, 3, 3, 3, 1);
        assertThat(vocabulary.decode(vocabulary.encode("a猫b"))).isEqualTo("a\uFFFDb");
        assertThat(vocabulary.encodeKnown("a猫b")).containsExactly(0, 1);
        Ids ids = vocabulary.encode(corpus);
        assertThat(IntStream.range(0, 9).map(ids::at)).containsExactly(0, 0, 1, 3, 1, 3, 2, 3, 2);

        // The stored vocabulary behaves the same.
        assertThat(Vocabulary.ofSymbols(vocabulary.symbols(), true).encode("猫")).containsExactly(3);
    }

    @Test
    void unknownCharacterIsAddedOnlyIfNeeded() {
        assertThat(Vocabulary.of(corpus("abab"), 2).symbols()).containsExactly("a", "b");
        assertThat(Vocabulary.of(corpus("abab"), 2).hasUnknown()).isFalse();
        assertThatThrownBy(() -> Vocabulary.of(corpus("abab"), 3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("no character occurs 3 times in test; use a lower min-count");

        // With a minimum count, U+FFFD in the text is the unknown character, too.
        assertThat(Vocabulary.of(corpus("ab\uFFFDab\uFFFD"), 2).encode("猫")).containsExactly(2);
    }

    @Test
    void replacementCharacterInTextIsNotUnknown() {
        Corpus corpus = corpus("ab\uFFFD");
        Vocabulary vocabulary = Vocabulary.of(corpus);

        for (Vocabulary each : List.of(vocabulary, Vocabulary.ofSymbols(vocabulary.symbols(), false))) {
            assertThat(each.hasUnknown()).isFalse();
            assertThat(each.encode("\uFFFDa")).containsExactly(2, 0);
            assertThatThrownBy(() -> each.encode("猫")).hasMessage("'猫' (U+732B) is not in the vocabulary");
            assertThat(each.encodeKnown(corpus("\uFFFD猫")).at(1)).isEqualTo(Ids.NONE);
        }
    }

    @Test
    void corpusMayHaveCharactersOutsideVocabulary() {
        Corpus corpus = corpus("a猫b猫😀");

        assertThat(of("ab").countUnknown(corpus)).isEqualTo(3);
        assertThat(IntStream.range(0, 5).map(of("ab").encodeKnown(corpus)::at)).containsExactly(0, -1, 1, -1, -1);
        assertThatThrownBy(() -> of("ab").encode(corpus)).hasMessageContaining("'猫' (U+732B)");
    }

    @Test
    void storedSymbolsMustBeSingleAndDistinct() {
        assertRejected("the vocabulary is empty; it needs at least one symbol");
        assertRejected("symbol 1 is \"bc\"; it must be one character", "a", "bc");
        assertRejected("symbol 0 is \"\"; it must be one character", "");
        assertRejected("symbol 1 is \"\"; it must be one character", "a", "", "b");
        assertRejected("symbol 1 (\"a\") is repeated", "a", "a");
        assertRejected("symbol 2 (\"😀\") is repeated", "😀", "a", "😀");
        assertRejected("symbol 1 is \"null\"; it must be one character", "a", null);
        assertRejected("it must be one character", "a", "\ud800");
    }

    /** In UTF-16, 😀 comes before U+FFFD; by code point, after it. */
    @Test
    void storedSymbolsKeepTheirOrder() {
        Vocabulary vocabulary = Vocabulary.ofSymbols(List.of("分", "a", "\uFFFD", "😀", "B"), true);

        assertThat(vocabulary.symbols()).containsExactly("分", "a", "\uFFFD", "😀", "B");
        assertThat(vocabulary.encode("aB😀分猫")).containsExactly(1, 4, 3, 0, 2);
        assertThat(vocabulary.decode(3, 0, 4)).isEqualTo("😀分B");
        assertThat(vocabulary.isInCodePointOrder()).isFalse();
        assertThat(of("B分a😀\uFFFD").isInCodePointOrder()).isTrue();
    }

    @Test
    void noOtherCharacterIsWrittenInsteadOfOneOutside() {
        Vocabulary vocabulary = Vocabulary.ofSymbols(List.of("a", " ", "\uFFFD"), true);

        assertThat(vocabulary.encodeWritten("a\uFFFD ")).containsExactly(0, 2, 1);
        assertThatThrownBy(() -> vocabulary.encodeWritten("a猫")).hasMessage("'猫' (U+732B) is not in the vocabulary");
        assertThatThrownBy(() -> vocabulary.encodeWritten("a\n"))
                .as("read as a space")
                .hasMessage("'\\n' (U+000A) is not in the vocabulary");
        assertThat(of("a\n").encodeWritten("a\r\n")).containsExactly(1, 0);
        assertThat(of("a\r").encodeWritten("a\n")).containsExactly(1, 0);
    }

    @Test
    void characterTakenApartIsNotItsParts() {
        Vocabulary apart = Vocabulary.ofSymbols(List.of("e", "\u0301"), false, Normalization.NFD);
        Vocabulary composed = Vocabulary.ofSymbols(List.of("e", "\u00e9"), false, Normalization.NFC);

        assertThat(apart.encodeWritten("\u00e9")).containsExactly(0, 1);
        assertThatThrownBy(() -> apart.encodeEach("\u00e9")).hasMessage("'\u00e9' (U+00E9) is not in the vocabulary");
        assertThat(apart.encodeEach("e\u0301")).containsExactly(0, 1);
        assertThat(composed.encodeEach("e\u0301e")).containsExactly(1, 0);
    }

    @Test
    void vocabularyIsFollowedByTheCharactersThatItLacks() {
        Vocabulary model = Vocabulary.ofSymbols(List.of("b", "😀", "a"), false);
        Vocabulary both = model.followedBy(of("猫b\uFFFDc"));

        assertThat(both.symbols()).containsExactly("b", "😀", "a", "c", "猫", "\uFFFD");
        assertThat(both.hasUnknown()).isFalse();
        assertThat(both.idsIn(model)).containsExactly(0, 1, 2, -1, -1, -1);
        assertThat(model.followedBy(Vocabulary.of(corpus("aab"), 2)).symbols())
                .containsExactly("b", "😀", "a", "\uFFFD");
        assertThat(model.followedBy(Vocabulary.of(corpus("aab"), 2)).hasUnknown())
                .isTrue();
        assertThat(model.countKnown(corpus("abab猫"))).isEqualTo(2);
    }

    @Test
    void endOfADocumentIsTheLastId() throws LibrettoException {
        Corpus corpus = Corpus.ofDocuments(List.of("ba", "a😀"));
        Vocabulary vocabulary = Vocabulary.of(corpus);

        assertThat(vocabulary.symbols()).containsExactly("a", "b", "😀", "");
        for (Vocabulary each : List.of(vocabulary, Vocabulary.ofSymbols(vocabulary.symbols(), false))) {
            assertThat(each.hasEnd()).isTrue();
            Ids ids = each.encode(corpus);
            assertThat(IntStream.range(0, 7).map(ids::at)).containsExactly(3, 1, 0, 3, 0, 2, 3);
            assertThat(each.decode(3, 1, 3)).isEqualTo("b");
            assertThat(each.encode("ab")).containsExactly(0, 1);
            assertThat(each.countUnknown(corpus)).isZero();
        }
        assertThat(of("ab").hasEnd()).isFalse();
    }

    @Test
    void endStaysTheLastIdWhenCharactersFollow() throws LibrettoException {
        Vocabulary documents = Vocabulary.of(Corpus.ofDocuments(List.of("ab")));
        Corpus more = Corpus.ofDocuments(List.of("ca"));

        assertThat(documents.followedBy(Vocabulary.of(more)).symbols()).containsExactly("a", "b", "c", "");
        assertThat(documents.followedBy(Vocabulary.of(more)).idsIn(documents)).containsExactly(0, 1, -1, 2);
        assertThat(of("b").followedBy(Vocabulary.of(more)).symbols()).containsExactly("b", "a", "c", "");
        assertThat(documents.countKnown(more)).isOne();
    }

    /** However few documents there are. */
    @Test
    void endOfADocumentIsNeverRare() throws LibrettoException {
        Corpus corpus = Corpus.ofDocuments(List.of("aaaaab"));

        assertThat(Vocabulary.of(corpus, 5).symbols()).containsExactly("a", "\uFFFD", "");
        assertThatThrownBy(() -> Vocabulary.of(corpus, 6))
                .hasMessage("no character occurs 6 times in documents; use a lower min-count");
    }

    private static void assertRejected(String message, String... symbols) {
        assertThatThrownBy(() -> Vocabulary.ofSymbols(Arrays.asList(symbols), false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    private static Vocabulary of(String text) {
        return Vocabulary.of(corpus(text));
    }

    private static Corpus corpus(String text) {
        return new Corpus("test", text.codePoints().toArray());
    }
}
