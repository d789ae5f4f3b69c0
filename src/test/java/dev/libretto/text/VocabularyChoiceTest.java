package dev.libretto.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class VocabularyChoiceTest {
    private static final Vocabulary MODEL = Vocabulary.ofSymbols(List.of("c", "a", "😀"), false);

    private static Corpus corpus(String text) {
        return new Corpus("test", text.codePoints().toArray());
    }

    @Test
    void unionKeepsTheModelsIds() {
        assertThat(VocabularyChoice.UNION.of(MODEL, corpus("ba猫a")).symbols())
                .containsExactly("c", "a", "😀", "b", "猫");
    }

    @Test
    void corpusIsTheVocabularyOfTheText() {
        Corpus text = corpus("ba猫a");
        assertThat(VocabularyChoice.CORPUS.of(MODEL, text).symbols())
                .isEqualTo(Vocabulary.of(text).symbols());
    }

    @Test
    void modelMustKnowTheText() {
        assertThat(VocabularyChoice.MODEL.of(MODEL, corpus("aa😀")).symbols()).isEqualTo(MODEL.symbols());
        assertThatThrownBy(() -> VocabularyChoice.MODEL.of(MODEL, corpus("ab")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "test has 1 character that the model does not know, 'b' (U+0062); use the vocabulary union or"
                                + " corpus");
        assertThatThrownBy(() -> VocabularyChoice.MODEL.of(MODEL, corpus("a𠮷\n猫")))
                .hasMessageStartingWith("test has 3 characters that the model does not know, such as '𠮷' (U+20BB7); ");
    }

    @Test
    void modelWithAnUnknownCharacterReadsAnyText() {
        Vocabulary withUnknown = Vocabulary.of(corpus("aab"), 2);
        Vocabulary kept = VocabularyChoice.MODEL.of(withUnknown, corpus("猫"));
        assertThat(kept.symbols()).isEqualTo(withUnknown.symbols());
        assertThat(kept.hasUnknown()).isTrue();
        assertThat(VocabularyChoice.UNION.of(withUnknown, corpus("猫")).symbols())
                .containsExactly("a", "\uFFFD", "猫");
    }
}
