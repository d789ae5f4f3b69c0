package dev.libretto.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.generate.Decoder;
import dev.libretto.generate.ScoredCharacter;
import dev.libretto.text.Copies;
import dev.libretto.text.Corpus;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Looks for texts in a corpus, such as the training text of the model that wrote them. */
final class CopyCheck {
    /** Characters of the corpus shown before and after a copy. */
    private static final int CONTEXT = 20;
    /** The most characters of a copy that are shown on one line. */
    private static final int SHOWN = 200;

    private final Corpus corpus;
    private final Ids ids;
    private final Console console;

    /** What was found of one text. */
    record Found(Copies copies, String before, String text, String after) {
        /** Adds the fields of a JSON line. */
        void describe(ObjectNode line) {
            line.put("copied", copies.fraction());
            line.putObject("longest_copy")
                    .put("length", copies.length())
                    .put("start", copies.start())
                    .put("position", copies.position())
                    .put("before", before)
                    .put("text", text)
                    .put("after", after);
        }

        String share() {
            return String.format(
                    Locale.ROOT,
                    "%.1f%% of %,d characters, in stretches of %d or more",
                    100 * copies.fraction(),
                    copies.characters(),
                    Copies.LONG);
        }

        /** Returns the longest copy in brackets, with what surrounds it in the corpus. */
        String longest() {
            if (copies.length() == 0) {
                return "none";
            }
            int end = text.offsetByCodePoints(0, Math.min(SHOWN, copies.length()));
            return ControlCharacters.escape(String.format(
                    Locale.ROOT,
                    "%,d characters, at position %,d: %s[%s]%s",
                    copies.length(),
                    copies.position(),
                    before,
                    end < text.length() ? text.substring(0, end) + "…" : text,
                    after));
        }
    }

    /** Collects the texts that are written, and passes everything on. */
    static final class Texts implements Decoder.Listener {
        private final List<IntStream.Builder> rows;
        private final Decoder.Listener next;

        Texts(int rows, Decoder.Listener next) {
            this.rows = Stream.generate(IntStream::builder).limit(rows).toList();
            this.next = next;
        }

        @Override
        public void written(int row, ScoredCharacter character) {
            rows.get(row).add(character.id());
            next.written(row, character);
        }

        @Override
        public void read(int prefix, List<ScoredCharacter> characters) {
            next.read(prefix, characters);
        }

        List<int[]> ids() {
            return rows.stream().map(row -> row.build().toArray()).toList();
        }
    }

    CopyCheck(Corpus corpus, Vocabulary vocabulary, Console console) {
        this.corpus = corpus;
        this.ids = vocabulary.encodeKnown(corpus);
        this.console = console;
    }

    String corpusName() {
        return corpus.name();
    }

    /** Returns what is found of each text, in one pass over the corpus. */
    List<Found> find(List<int[]> texts) {
        try (WorkBar bar = console.workBar("looking for copies")) {
            return Copies.find(texts, ids, position -> bar.at(position, ids.length(), () -> " characters")).stream()
                    .map(this::withContext)
                    .toList();
        }
    }

    private Found withContext(Copies copies) {
        long start = copies.position();
        long end = start + copies.length();
        return copies.length() == 0
                ? new Found(copies, "", "", "")
                : new Found(
                        copies,
                        corpusText(start - CONTEXT, start),
                        corpusText(start, end),
                        corpusText(end, end + CONTEXT));
    }

    private String corpusText(long from, long to) {
        StringBuilder text = new StringBuilder();
        for (long i = Math.max(0, from); i < Math.min(to, corpus.length()); i++) {
            int codePoint = corpus.codePointAt(i);
            // The end of a document is no character.
            text.appendCodePoint(Character.isValidCodePoint(codePoint) ? codePoint : '\n');
        }
        return text.toString();
    }
}
