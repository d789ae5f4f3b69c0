package dev.libretto.text;

import java.util.Locale;

/** Which characters a model knows that starts from the weights of another one. */
public enum VocabularyChoice {
    /** Those of the other model, followed by those of the text that it lacks. */
    UNION,
    /** Those of the text. */
    CORPUS,
    /** Those of the other model. */
    MODEL;

    /**
     * Returns the chosen vocabulary.
     *
     * @param model the vocabulary of the other model
     * @throws IllegalArgumentException if it is to be kept, but cannot encode the text
     */
    public Vocabulary of(Vocabulary model, Corpus corpus) {
        Vocabulary chosen = switch (this) {
            case UNION -> model.followedBy(ofText(corpus));
            case CORPUS -> ofText(corpus);
            case MODEL ->
                requireEncodes(model, corpus).withNormalization(corpus.options().normalization());
        };
        boolean hasDocuments = corpus.documents() > 0;
        if (chosen.hasEnd() != hasDocuments) {
            throw new IllegalArgumentException(
                    hasDocuments
                            ? "the model to start from knows no end of a document; use the vocabulary union or corpus"
                            : "the model to start from is one of documents, but " + corpus.name()
                                    + " was not read as documents; read it so, or use the vocabulary corpus");
        }
        return chosen;
    }

    private static Vocabulary ofText(Corpus corpus) {
        return Vocabulary.of(corpus, corpus.options().minCount());
    }

    private static Vocabulary requireEncodes(Vocabulary model, Corpus corpus) {
        int unknown = corpus.distinct() - model.countKnown(corpus);
        if (unknown > 0 && !model.hasUnknown()) {
            int first = corpus.alphabet()
                    .codePoints()
                    .filter(codePoint -> model.idOf(codePoint) < 0)
                    .findFirst()
                    .orElseThrow();
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "%s has %,d %s that the model does not know, %s'%s' (U+%04X); use the vocabulary union or corpus",
                    corpus.name(),
                    unknown,
                    unknown == 1 ? "character" : "characters",
                    unknown == 1 ? "" : "such as ",
                    Vocabulary.name(first),
                    first));
        }
        return model;
    }

    /** Returns the name on the command line and in configuration files. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
