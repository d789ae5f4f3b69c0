package dev.libretto.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.text.Vocabulary;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Prints a JSON object per line: the prefix, the text without it, the sample's index, the seed if it matters, the
 * log-probability of the text in nats, and the milliseconds from the start of the batch to the last character.
 */
final class JsonLinesWriter implements SampleWriter {
    private static final class Text {
        private final StringBuilder characters = new StringBuilder();
        private final List<Float> logProbabilities = new ArrayList<>();
        private long lastWritten;
    }

    private final PrintWriter out;
    private final Vocabulary vocabulary;
    private final Long seed;
    private final boolean logProbabilities;
    private List<int[]> prefixes;
    private List<Text> texts;
    private long start;

    /** @param seed null for greedy decoding */
    JsonLinesWriter(PrintWriter out, Vocabulary vocabulary, Long seed, boolean logProbabilities) {
        this.out = out;
        this.vocabulary = vocabulary;
        this.seed = seed;
        this.logProbabilities = logProbabilities;
    }

    @Override
    public void beginBatch(List<int[]> newPrefixes, int samples) {
        prefixes = newPrefixes;
        start = System.nanoTime();
        texts = Stream.generate(Text::new)
                .limit((long) prefixes.size() * samples)
                .toList();
    }

    @Override
    public void written(int row, int id, float logProbability) {
        Text text = texts.get(row);
        text.characters.append(vocabulary.decode(id));
        text.logProbabilities.add(logProbability);
        text.lastWritten = System.nanoTime();
    }

    @Override
    public void endBatch() {
        int samples = texts.size() / prefixes.size();
        for (int row = 0; row < texts.size(); row++) {
            out.print(json(prefixes.get(row / samples), row % samples, texts.get(row)) + "\n");
        }
        out.flush();
    }

    private ObjectNode json(int[] prefix, int sample, Text text) {
        ObjectNode line = JsonNodeFactory.instance
                .objectNode()
                .put("prefix", vocabulary.decode(prefix))
                .put("text", text.characters.toString())
                .put("sample", sample);
        if (seed != null) {
            line.put("seed", seed);
        }
        line.put(
                        "log_probability",
                        text.logProbabilities.stream()
                                .mapToDouble(Float::doubleValue)
                                .sum())
                .put("milliseconds", text.logProbabilities.isEmpty() ? 0.0 : (text.lastWritten - start) / 1000 / 1e3);
        if (logProbabilities) {
            ArrayNode each = line.putArray("log_probabilities");
            text.logProbabilities.forEach(each::add);
        }
        return line;
    }
}
