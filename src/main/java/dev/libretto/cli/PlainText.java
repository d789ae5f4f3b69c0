package dev.libretto.cli;

import dev.libretto.text.Vocabulary;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A line for each text, prefix and continuation. With log-probabilities, a line for the prefix, one for each new character
 * with its log-probability before it, and an empty one. The first text of a batch is printed as it is written.
 */
final class PlainText implements GeneratedText {
    private final PrintStream out;
    private final Vocabulary vocabulary;
    private final boolean logProbabilities;
    /** For each row, what is not printed yet. */
    private final List<StringBuilder> waiting = new ArrayList<>();

    PlainText(PrintStream out, Vocabulary vocabulary, boolean logProbabilities) {
        this.out = out;
        this.vocabulary = vocabulary;
        this.logProbabilities = logProbabilities;
    }

    @Override
    public void begin(List<int[]> prefixes, int samples) {
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
    public void end() {
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
