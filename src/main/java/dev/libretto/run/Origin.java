package dev.libretto.run;

import dev.libretto.text.Corpus;
import dev.libretto.text.Vocabulary;
import dev.libretto.text.VocabularyChoice;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;

/**
 * Where the first weights of a run came from.
 *
 * @param source the run or file of the other model; empty for a model in memory
 * @param vocabulary whose characters the run knows
 * @param shared the number of characters that both the other model and the text have
 * @param added the number that only the text has, whose weights were drawn
 * @param lacking the number that only the other model has; dropped if the vocabulary is the text's
 * @param unknownCharacter whether U+FFFD stands for all unknown characters, as in the other model
 */
public record Origin(
        String source, VocabularyChoice vocabulary, int shared, int added, int lacking, boolean unknownCharacter) {
    public Origin {
        Objects.requireNonNull(source, "origin source");
        Objects.requireNonNull(vocabulary, "origin vocabulary");
    }

    /**
     * Returns the origin of a run.
     *
     * @param model the vocabulary of the other model
     * @param chosen the vocabulary of the run
     */
    public static Origin of(
            String source, VocabularyChoice choice, Vocabulary model, Vocabulary chosen, Corpus corpus) {
        int kept =
                (int) Arrays.stream(chosen.idsIn(model)).filter(id -> id >= 0).count();
        int ends = model.hasEnd() ? 1 : 0;
        int shared = choice == VocabularyChoice.CORPUS ? kept - (chosen.hasEnd() ? ends : 0) : model.countKnown(corpus);
        return new Origin(
                source, choice, shared, chosen.size() - kept, model.size() - ends - shared, chosen.hasUnknown());
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%s; characters: %,d shared, %,d new, %,d others %s",
                source.isEmpty() ? "a model in memory" : source,
                shared,
                added,
                lacking,
                vocabulary == VocabularyChoice.CORPUS ? "dropped" : "kept");
    }
}
