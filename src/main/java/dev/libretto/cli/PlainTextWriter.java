package dev.libretto.cli;

import dev.libretto.text.Vocabulary;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Prints each prefix and its continuation as a line. With log-probabilities: a line for the prefix, a line per new character
 * that starts with its log-probability, and an empty line. The first text of a batch is printed while it is generated.
 */
final class PlainTextWriter implements SampleWriter {
    private final PrintWriter out;
    private final Vocabulary vocabulary;
    private final boolean logProbabilities;
    /** The text of each row that is not printed yet. */
    private final List<StringBuilder> waiting = new ArrayList<>();

    PlainTextWriter(PrintWriter out, Vocabulary vocabulary, boolean logProbabilities) {
        this.out = out;
        this.vocabulary = vocabulary;
        this.logProbabilities = logProbabilities;
    }

    @Override
    public void beginBatch(List<int[]> prefixes, int samples) {
        for (int row = 0; row < prefixes.size() * samples; row++) {
            String prefix = vocabulary.decode(prefixes.get(row / samples));
            waiting.add(new StringBuilder(logProbabilities ? prefix + "\n" : prefix));
        }
        print(waiting.get(0));
    }

    @Override
    public void written(int row, int id, float logProbability) {
        String character = vocabulary.decode(id);
        if (logProbabilities) {
            String shown = character.equals("\n") ? "\\n" : character.equals("\\") ? "\\\\" : character;
            waiting.get(row).append(String.format(Locale.ROOT, "%.6f\t%s\n", logProbability, shown));
        } else {
            waiting.get(row).append(character);
        }
        if (row == 0) {
            print(waiting.get(0));
        }
    }

    @Override
    public void endBatch() {
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
