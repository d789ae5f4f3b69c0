package dev.libretto.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.generate.Decoder;
import dev.libretto.generate.Sampler;
import dev.libretto.text.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;

/**
 * A request to continue texts.
 *
 * @param prompts as ids
 * @param samples how often each is continued
 * @param echo whether the answer begins with the prompt
 * @param top how many log-probabilities of likely characters the answer has; empty for none
 * @param isStream whether characters are sent as they are written
 * @param hasUsage whether a stream ends with the number of characters
 */
record CompletionRequest(
        List<int[]> prompts,
        int samples,
        Decoder.Options options,
        boolean echo,
        OptionalInt top,
        boolean isStream,
        boolean hasUsage) {
    private static final int MAX_PROMPTS = 1024;
    private static final int MAX_STOPS = 16;
    /** Comparing a text with a longer one could hold up all others. */
    private static final int MAX_STOP_CHARACTERS = 1000;

    static final int MAX_TOP = 100;
    /** The most characters and log-probabilities of others in an answer. */
    static final int MAX_HELD = 1 << 20;
    /** About what each of them takes. */
    static final int HELD_BYTES = 120;

    private static final int DEFAULT_LENGTH = 16;
    private static final Random SEEDS = new Random();

    /** Reads all fields but {@code model}. */
    static CompletionRequest read(Fields fields, Vocabulary vocabulary, Limits limits) throws ApiException {
        refuseOthers(fields);
        boolean skipsUnknown = skipsUnknown(fields);
        List<int[]> prompts = prompts(fields, vocabulary, skipsUnknown, limits);
        int samples = fields.integer("n", 1, 1, limits.queue() + limits.rows());
        refuseOtherBestOf(fields, samples);
        int length = fields.integer("max_tokens", DEFAULT_LENGTH, 0, limits.characters());
        requireWithin(
                (long) length * samples * prompts.size(),
                limits.characters(),
                "max_tokens × n × prompts",
                "max_tokens");
        requireWithin((long) samples * prompts.size(), limits.queue() + limits.rows(), "n × prompts", "n");
        OptionalInt top = top(fields);
        boolean echo = fields.flag("echo");
        long echoed = echo ? prompts.stream().mapToLong(prompt -> prompt.length).sum() : 0;
        requireHeld(
                (echoed + (long) length * prompts.size()) * samples,
                top.orElse(0),
                Math.max(MAX_HELD, limits.characters()),
                top.orElse(0) > 0 ? "logprobs" : "echo");
        Sampler sampler = SamplerFields.sampler(fields, vocabulary);
        // A seed that every JSON reader keeps whole.
        long seed = fields.integer("seed", (long) SEEDS.nextInt(Integer.MAX_VALUE), Long.MIN_VALUE, Long.MAX_VALUE);
        Decoder.Options options = new Decoder.Options(
                length,
                sampler,
                seed,
                stops(fields, vocabulary),
                new Decoder.Scoring(echo && top.isPresent(), top.isPresent(), top.orElse(0)));
        boolean isStream = fields.flag("stream");
        boolean hasUsage = hasUsage(fields, isStream);
        fields.requireKnown();
        return new CompletionRequest(prompts, samples, options, echo, top, isStream, hasUsage);
    }

    /** Throws if a field of OpenAI's API that this server lacks has an effect. */
    private static void refuseOthers(Fields fields) throws ApiException {
        for (String name : List.of("presence_penalty", "frequency_penalty")) {
            if (fields.number(name, 0, number -> true, "0") != 0) {
                throw ApiException.badField(name, name + " is not supported; remove it, or use repetition_penalty");
            }
        }
        String suffix = fields.text("suffix");
        if (suffix != null && !suffix.isEmpty()) {
            throw ApiException.badField("suffix", "suffix is not supported; remove it");
        }
        // Names who asks; OpenAI's clients may send it.
        fields.text("user");
    }

    private static void refuseOtherBestOf(Fields fields, int samples) throws ApiException {
        if (fields.integer("best_of", samples, 1, Integer.MAX_VALUE) != samples) {
            throw ApiException.badField("best_of", "best_of is not supported unless it is n; remove it");
        }
    }

    static boolean skipsUnknown(Fields fields) throws ApiException {
        String unknown = fields.text("unknown");
        if (unknown != null && !unknown.equals("skip") && !unknown.equals("error")) {
            throw ApiException.badField("unknown", "unknown must be \"error\" or \"skip\"");
        }
        return "skip".equals(unknown);
    }

    private static List<int[]> prompts(Fields fields, Vocabulary vocabulary, boolean skipsUnknown, Limits limits)
            throws ApiException {
        Optional<JsonNode> prompt = fields.find("prompt");
        if (prompt.filter(CompletionRequest::hasNumber).isPresent()) {
            throw ApiException.badField("prompt", "prompt has tokens as numbers, which are not supported; send text");
        }
        List<String> texts = fields.texts("prompt", MAX_PROMPTS);
        if (prompt.isEmpty()) {
            texts = List.of("");
        }
        if (texts.isEmpty()) {
            throw ApiException.badField("prompt", "prompt is an empty array; send a text");
        }
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            String name = texts.size() == 1 ? "prompt" : "prompt " + i;
            int[] ids;
            try {
                ids = Texts.encode(vocabulary, texts.get(i), name, skipsUnknown, limits.promptCharacters());
            } catch (ApiException e) {
                throw ApiException.badField("prompt", e.getMessage());
            }
            if (ids.length == 0 && !vocabulary.hasEnd()) {
                throw ApiException.badField(
                        "prompt",
                        texts.get(i).isEmpty()
                                ? name + " is empty; this model needs at least one character"
                                : name + " has no character that the model knows; use characters of the training text");
            }
            prompts.add(ids);
        }
        return prompts;
    }

    private static boolean hasNumber(JsonNode prompt) {
        JsonNode first = prompt.path(0);
        return prompt.isNumber() || first.isNumber() || first.isArray();
    }

    private static void requireWithin(long value, int most, String what, String field) throws ApiException {
        if (value > most) {
            throw ApiException.badField(
                    field,
                    String.format(
                            Locale.ROOT,
                            "%s is %,d, but this server allows at most %,d; ask for less",
                            what,
                            value,
                            most));
        }
    }

    /**
     * Throws if an answer would be too large for memory.
     *
     * @param top how many log-probabilities each character has
     */
    static void requireHeld(long characters, int top, int most, String field) throws ApiException {
        requireWithin(characters * (1 + Math.max(top, 0)), most, "characters of the answer × (1 + logprobs)", field);
    }

    private static OptionalInt top(Fields fields) throws ApiException {
        int top = fields.integer("logprobs", -1, 0, MAX_TOP);
        return top < 0 ? OptionalInt.empty() : OptionalInt.of(top);
    }

    private static List<int[]> stops(Fields fields, Vocabulary vocabulary) throws ApiException {
        List<int[]> stops = new ArrayList<>();
        for (String stop : fields.texts("stop", MAX_STOPS)) {
            if (stop.isEmpty()) {
                throw ApiException.badField("stop", "stop has an empty text; remove it");
            }
            Texts.requireLength(stop, "stop", MAX_STOP_CHARACTERS);
            try {
                stops.add(vocabulary.encodeWritten(stop));
            } catch (IllegalArgumentException e) {
                // The model never writes this text, so it stops nothing.
                continue;
            }
        }
        return stops;
    }

    private static boolean hasUsage(Fields fields, boolean isStream) throws ApiException {
        Optional<ObjectNode> options = fields.object("stream_options");
        if (options.isEmpty()) {
            return false;
        }
        if (!isStream) {
            throw ApiException.badField("stream_options", "stream_options has no effect without \"stream\": true");
        }
        Fields inner = new Fields(options.get());
        boolean hasUsage = inner.flag("include_usage");
        inner.requireKnown();
        return hasUsage;
    }

    /** Returns the memory that the answer takes until it is sent; of a stream, that of the echoed prompts. */
    long heldBytes() {
        long echoed = echo ? promptCharacters() : 0;
        long written = isStream ? 0 : (long) options.length() * prompts.size();
        return (echoed + written) * samples * (1 + top.orElse(0)) * HELD_BYTES;
    }

    /** Returns how many characters the prompts have. */
    int promptCharacters() {
        return prompts.stream().mapToInt(prompt -> prompt.length).sum();
    }
}
