package dev.libretto.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.libretto.text.Vocabulary;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/** A JSON object on each line. */
final class JsonLines implements GeneratedText {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .defaultPropertyInclusion(
                    JsonInclude.Value.construct(JsonInclude.Include.NON_NULL, JsonInclude.Include.ALWAYS))
            .build();

    /**
     * A line.
     *
     * @param text the new characters
     * @param sample its number among the samples of the prefix, from 0
     * @param seed what it was drawn by; null where nothing is drawn
     * @param logProbability the sum of those of its characters, in nats
     * @param milliseconds from the start of its batch to its last character
     * @param logProbabilities those of its characters, where they are asked for
     */
    private record Line(
            String prefix,
            String text,
            int sample,
            Long seed,
            double logProbability,
            double milliseconds,
            List<Float> logProbabilities) {}

    /** A text that is being written. */
    private static final class Text {
        private final String prefix;
        private final int sample;
        private final StringBuilder characters = new StringBuilder();
        private final List<Float> logProbabilities = new ArrayList<>();
        private long lastWritten;

        Text(String prefix, int sample, long start) {
            this.prefix = prefix;
            this.sample = sample;
            this.lastWritten = start;
        }
    }

    private final PrintStream out;
    private final Vocabulary vocabulary;
    /** Null where nothing is drawn. */
    private final Long seed;

    private final boolean each;
    private final List<Text> texts = new ArrayList<>();
    private long start;

    /**
     * @param seed what is drawn by; null where nothing is
     * @param each whether the log-probability of each character is shown, too
     */
    JsonLines(PrintStream out, Vocabulary vocabulary, Long seed, boolean each) {
        this.out = out;
        this.vocabulary = vocabulary;
        this.seed = seed;
        this.each = each;
    }

    @Override
    public void begin(List<int[]> prefixes, int samples) {
        start = System.nanoTime();
        for (int[] prefix : prefixes) {
            for (int sample = 0; sample < samples; sample++) {
                texts.add(new Text(vocabulary.decode(prefix), sample, start));
            }
        }
    }

    @Override
    public void written(int row, int id, float logProbability) {
        Text text = texts.get(row);
        text.characters.append(vocabulary.decode(id));
        text.logProbabilities.add(logProbability);
        text.lastWritten = System.nanoTime();
    }

    @Override
    public void end() {
        StringBuilder lines = new StringBuilder();
        texts.forEach(text -> lines.append(json(text)).append("\n"));
        texts.clear();
        out.print(lines);
        out.flush();
    }

    private String json(Text text) {
        try {
            return MAPPER.writeValueAsString(new Line(
                    text.prefix,
                    text.characters.toString(),
                    text.sample,
                    seed,
                    text.logProbabilities.stream()
                            .mapToDouble(Float::doubleValue)
                            .sum(),
                    (text.lastWritten - start) / 1000 / 1e3,
                    each ? text.logProbabilities : null));
        } catch (JsonProcessingException e) {
            throw new AssertionError("texts and numbers have a JSON form", e);
        }
    }
}
