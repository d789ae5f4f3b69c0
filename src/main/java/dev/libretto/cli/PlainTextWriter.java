package dev.libretto.cli;

import dev.libretto.generate.ScoredCharacter;
import dev.libretto.text.Vocabulary;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Prints each prefix and its continuation as a line. With log-probabilities: a line for the prefix, a line per character of both
 * that starts with its log-probability, empty for the first, and an empty line. The first text of a batch is printed while it is
 * generated.
 */
final class PlainTextWriter implements SampleWriter {
    private final PrintWriter out;
    private final Vocabulary vocabulary;
    private final boolean logProbabilities;
    /** The text of each row that is not printed yet. */
    private final List<StringBuilder> waiting = new ArrayList<>();

    private List<int[]> prefixes;
    private int samples;

    PlainTextWriter(PrintWriter out, Vocabulary vocabulary, boolean logProbabilities) {
        this.out = out;
        this.vocabulary = vocabulary;
        this.logProbabilities = logProbabilities;
    }

    @Override
    public void beginBatch(List<int[]> newPrefixes, int newSamples) {
        prefixes = newPrefixes;
        samples = newSamples;
        for (int row = 0; row < prefixes.size() * samples; row++) {
            String prefix = vocabulary.decode(prefixes.get(row / samples));
            waiting.add(new StringBuilder(logProbabilities ? prefix + "\n" : prefix));
        }
        print(waiting.get(0));
    }

    @Override
    public void read(int prefix, List<ScoredCharacter> scored) {
        int[] ids = prefixes.get(prefix);
        for (int row = prefix * samples; row < (prefix + 1) * samples; row++) {
            StringBuilder text = waiting.get(row);
            int first = ids.length - scored.size();
            for (int i = 0; i < first; i++) {
                text.append("\t").append(shown(ids[i])).append("\n");
            }
            scored.forEach(character -> appendScored(text, character));
        }
    }

    @Override
    public void written(int row, ScoredCharacter character) {
        if (logProbabilities) {
            appendScored(waiting.get(row), character);
        } else {
            waiting.get(row).append(vocabulary.decode(character.id()));
        }
        if (row == 0) {
            print(waiting.get(0));
        }
    }

    private void appendScored(StringBuilder text, ScoredCharacter character) {
        text.append(String.format(Locale.ROOT, "%.6f\t%s\n", character.logProbability(), shown(character.id())));
    }

    private String shown(int id) {
        String character = vocabulary.decode(id);
        return switch (character) {
            case "\n" -> "\\n";
            case "\\" -> "\\\\";
            default -> ControlCharacters.escape(character);
        };
    }

    @Override
    public void endBatch(List<CopyCheck.Found> copies) {
        StringBuilder rest = new StringBuilder();
        waiting.forEach(text -> rest.append(text).append("\n"));
        waiting.clear();
        print(rest);
    }

    private void print(StringBuilder text) {
        out.print(text);
        out.flush();
        text.setLength(0);
    }
}
