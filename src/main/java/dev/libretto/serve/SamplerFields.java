package dev.libretto.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.LibrettoException;
import dev.libretto.generate.AdjustedSampler;
import dev.libretto.generate.History;
import dev.libretto.generate.LogitBias;
import dev.libretto.generate.RandomSampler;
import dev.libretto.generate.Sampler;
import dev.libretto.text.Vocabulary;
import java.util.Map;
import java.util.Optional;

/** The fields of a request that say how characters are chosen, named as in OpenAI's API, vLLM, llama.cpp and transformers. */
final class SamplerFields {
    private static final int MAX = 10_000_000;
    private static final int WINDOW = 64;

    private SamplerFields() {}

    static Sampler sampler(Fields fields, Vocabulary vocabulary) throws ApiException {
        double temperature = fields.number("temperature", 1, t -> t >= 0, "a number of at least 0");
        int topK = fields.integer("top_k", 0, -1, MAX);
        double topP = fields.number("top_p", 1, p -> p > 0 && p <= 1, "greater than 0 and at most 1");
        double minP = fields.number("min_p", 0, p -> p >= 0 && p <= 1, "at least 0 and at most 1");
        Sampler chooser = temperature == 0
                ? Sampler.GREEDY
                : Sampler.temperature(temperature)
                        .withTopK(topK < 1 ? RandomSampler.ALL : topK)
                        .withTopP(topP)
                        .withMinP(minP);
        double penalty = fields.number("repetition_penalty", 1, p -> (float) p > 0, "a number greater than 0");
        int window = fields.integer("repeat_last_n", WINDOW, -1, MAX);
        AdjustedSampler adjusted = chooser.adjusted()
                .withBias(bias(fields, vocabulary))
                .withRepeatPenalty(penalty, window < 0 ? History.WHOLE : window)
                .withNoRepeat(fields.integer("no_repeat_ngram_size", 0, 0, MAX));
        return adjusted.adjustsNothing() ? chooser : adjusted;
    }

    private static float[] bias(Fields fields, Vocabulary vocabulary) throws ApiException {
        LogitBias bias = new LogitBias(vocabulary);
        Optional<ObjectNode> ofCharacters = fields.object("logit_bias");
        if (ofCharacters.isPresent()) {
            for (Map.Entry<String, JsonNode> entry : ofCharacters.get().properties()) {
                bias.set(encode(vocabulary, entry.getKey(), "logit_bias"), value(entry.getValue()));
            }
        }
        String allowed = fields.text("allow");
        if (allowed != null) {
            bias.allowOnly(encode(vocabulary, allowed, "allow"));
        }
        String forbidden = fields.text("forbid");
        if (forbidden != null) {
            bias.forbid(encode(vocabulary, forbidden, "forbid"));
        }
        try {
            return bias.toArray();
        } catch (IllegalArgumentException e) {
            throw ApiException.badField(allowed == null ? "forbid" : "allow", e.getMessage());
        }
    }

    /** Returns the bias of characters; false forbids them. */
    private static float value(JsonNode value) throws ApiException {
        if (value.isBoolean() && !value.booleanValue()) {
            return Float.NEGATIVE_INFINITY;
        }
        if (!value.isNumber()) {
            throw Fields.wrong(
                    "logit_bias", "an object of texts and numbers, or false to forbid their characters", value);
        }
        Fields.requireFloat("logit_bias", "must have numbers", value);
        return value.floatValue();
    }

    private static int[] encode(Vocabulary vocabulary, String characters, String field) throws ApiException {
        try {
            return vocabulary.encodeEach(characters);
        } catch (IllegalArgumentException e) {
            throw ApiException.badField(
                    field,
                    field + ": " + LibrettoException.oneLine(e.getMessage())
                            + "; the model never writes it, so remove it");
        }
    }
}
