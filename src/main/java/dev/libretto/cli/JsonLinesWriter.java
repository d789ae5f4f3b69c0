package dev.libretto.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.libretto.text.Vocabulary;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/** Prints a JSON object per line. */
final class JsonLinesWriter implements SampleWriter {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .defaultPropertyInclusion(
                    JsonInclude.Value.construct(JsonInclude.Include.NON_NULL, JsonInclude.Include.ALWAYS))
            .build();

    /**
     * @param text without the prefix
     * @param sample its index among the samples of the prefix
     * @param seed null for greedy decoding
     * @param logProbability of the text, in nats
     * @param milliseconds from the start of the batch to the last character
     * @param logProbabilities of each character; null without {@code --logprobs}
     */
    private record Line(
            String prefix,
            String text,
            int sample,
            Long seed,
            double logProbability,
            double milliseconds,
            List<Float> logProbabilities) {}

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
    private final Long seed;
    private final boolean logProbabilities;
    private final List<Text> texts = new ArrayList<>();
    private long start;

    /**
     * @param seed null for greedy decoding
     * @param logProbabilities whether to print the log-probability of each character
     */
    JsonLinesWriter(PrintStream out, Vocabulary vocabulary, Long seed, boolean logProbabilities) {
        this.out = out;
        this.vocabulary = vocabulary;
        this.seed = seed;
        this.logProbabilities = logProbabilities;
    }

    @Override
    public void beginBatch(List<int[]> prefixes, int samples) {
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
    public void endBatch() {
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
                    logProbabilities ? text.logProbabilities : null));
        } catch (JsonProcessingException e) {
            throw new AssertionError("strings and numbers can be written as JSON", e);
        }
    }
}
