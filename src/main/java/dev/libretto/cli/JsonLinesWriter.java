package dev.libretto.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.generate.ScoredCharacter;
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
        private final List<ScoredCharacter> scored = new ArrayList<>();
        private long lastWritten;
    }

    private final PrintWriter out;
    private final Vocabulary vocabulary;
    private final Long seed;
    private final boolean logProbabilities;
    private final boolean top;
    private List<int[]> prefixes;
    /** Each prefix's characters after the first, if their log-probabilities are requested. */
    private List<List<ScoredCharacter>> ofPrefixes;

    private List<Text> texts;
    private long start;

    /**
     * @param seed null for greedy decoding
     * @param logProbabilities whether to print those of each character
     * @param top whether to print the most likely characters in each one's place
     */
    JsonLinesWriter(PrintWriter out, Vocabulary vocabulary, Long seed, boolean logProbabilities, boolean top) {
        this.out = out;
        this.vocabulary = vocabulary;
        this.seed = seed;
        this.logProbabilities = logProbabilities;
        this.top = top;
    }

    @Override
    public void beginBatch(List<int[]> newPrefixes, int samples) {
        prefixes = newPrefixes;
        ofPrefixes = new ArrayList<>();
        start = System.nanoTime();
        texts = Stream.generate(Text::new)
                .limit((long) prefixes.size() * samples)
                .toList();
    }

    @Override
    public void read(int prefix, List<ScoredCharacter> scored) {
        ofPrefixes.add(scored);
    }

    @Override
    public void written(int row, ScoredCharacter character) {
        Text text = texts.get(row);
        text.characters.append(vocabulary.decode(character.id()));
        text.scored.add(character);
        text.lastWritten = System.nanoTime();
    }

    @Override
    public void endBatch(List<CopyCheck.Found> copies) {
        int samples = texts.size() / prefixes.size();
        for (int row = 0; row < texts.size(); row++) {
            ObjectNode line = json(row / samples, row % samples, texts.get(row));
            if (!copies.isEmpty()) {
                copies.get(row).describe(line);
            }
            // Jackson leaves U+0085 and U+2028 as they are, which some programs take for line ends.
            out.print(ControlCharacters.escape(line.toString()) + "\n");
        }
        out.flush();
    }

    private ObjectNode json(int prefix, int sample, Text text) {
        ObjectNode line = JsonNodeFactory.instance
                .objectNode()
                .put("prefix", vocabulary.decode(prefixes.get(prefix)))
                .put("text", text.characters.toString())
                .put("sample", sample);
        if (seed != null) {
            line.put("seed", seed);
        }
        line.put(
                        "log_probability",
                        text.scored.stream()
                                .mapToDouble(ScoredCharacter::logProbability)
                                .sum())
                .put("milliseconds", text.scored.isEmpty() ? 0.0 : (text.lastWritten - start) / 1000 / 1e3);
        if (logProbabilities) {
            ArrayNode ofPrefix = line.putArray("prefix_log_probabilities");
            for (int i = ofPrefixes.get(prefix).size(); i < prefixes.get(prefix).length; i++) {
                ofPrefix.addNull();
            }
            ofPrefixes.get(prefix).forEach(character -> ofPrefix.add(character.logProbability()));
            ArrayNode each = line.putArray("log_probabilities");
            text.scored.forEach(character -> each.add(character.logProbability()));
        }
        if (top) {
            ArrayNode ofPrefix = line.putArray("prefix_top_log_probabilities");
            for (int i = ofPrefixes.get(prefix).size(); i < prefixes.get(prefix).length; i++) {
                ofPrefix.addNull();
            }
            addTop(ofPrefix, ofPrefixes.get(prefix));
            addTop(line.putArray("top_log_probabilities"), text.scored);
        }
        return line;
    }

    private void addTop(ArrayNode each, List<ScoredCharacter> scored) {
        for (ScoredCharacter character : scored) {
            ObjectNode likely = each.addObject();
            character.top().forEach(other -> likely.put(vocabulary.decode(other.id()), other.logProbability()));
        }
    }
}
