package dev.libretto.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.TextScore;
import dev.libretto.generate.Decoder;
import dev.libretto.generate.Sampler;
import dev.libretto.generate.ScoredCharacter;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** The answer to a request to score texts: how likely the model finds each. */
final class Scores extends Answer {
    private static final int MAX_TEXTS = 1024;

    private final Context context;
    private final int top;
    private final List<Text> texts = new ArrayList<>();

    /**
     * @param given as the model reads them
     * @param top how many likely characters the answer has in each one's place; negative for no characters
     */
    private Scores(Exchange exchange, Context context, List<String> given, int top) {
        super(exchange, context, Exchange.JSON);
        this.context = context;
        this.top = top;
        Decoder.Options options = new Decoder.Options(
                0, Sampler.GREEDY, 0, List.of(), new Decoder.Scoring(true, false, Math.max(top, 0)));
        for (String text : given) {
            texts.add(new Text(text, options));
        }
    }

    /** Starts the answer to a request. */
    static void start(Exchange exchange, Fields fields, Context context, Limits limits) throws ApiException {
        List<String> given = fields.texts("input", Math.min(MAX_TEXTS, limits.queue() + limits.rows()));
        int top = fields.integer("logprobs", -1, 0, CompletionRequest.MAX_TOP);
        fields.requireKnown();
        if (given.isEmpty()) {
            throw ApiException.badField("input", "input is missing; send a text, or an array of texts");
        }
        List<String> texts = new ArrayList<>();
        for (String text : given) {
            Texts.requireLength(text, "input", limits.promptCharacters());
            texts.add(context.vocabulary().asRead(text));
        }
        long characters =
                texts.stream().mapToLong(text -> text.codePoints().count()).sum();
        CompletionRequest.requireHeld(
                characters,
                top,
                Math.max(CompletionRequest.MAX_HELD, limits.promptCharacters()),
                top > 0 ? "logprobs" : "input");
        exchange.hold(characters * (1 + Math.max(top, 0)) * CompletionRequest.HELD_BYTES);
        Scores scores = new Scores(exchange, context, texts, top);
        // A text without a known character has nothing to predict.
        scores.start(scores.texts.stream().filter(text -> text.ids.length > 0).toList());
    }

    private final class Text extends Part {
        private final String text;
        private final int[] ids;
        private List<ScoredCharacter> predictions = List.of();

        Text(String text, Decoder.Options options) {
            this(text, ids(text, context.vocabulary()), options);
        }

        private Text(String text, int[] ids, Decoder.Options options) {
            super(ids, 0, options);
            this.text = text;
            this.ids = ids;
        }

        @Override
        public void read(List<ScoredCharacter> characters) {
            synchronized (Scores.this) {
                predictions = characters;
            }
        }
    }

    /** Returns the known characters of a text, and the end if it is a document. */
    private static int[] ids(String text, Vocabulary vocabulary) {
        IntStream end = vocabulary.hasEnd() ? IntStream.of(vocabulary.size() - 1) : IntStream.empty();
        return IntStream.concat(text.codePoints().map(vocabulary::idOrUnknown).filter(id -> id != Ids.NONE), end)
                .toArray();
    }

    @Override
    byte[] next(boolean isLast) {
        if (!isLast) {
            return new byte[0];
        }
        ObjectNode answer =
                JsonNodeFactory.instance.objectNode().put("object", "list").put("model", context.model());
        ArrayNode data = answer.putArray("data");
        int characters = 0;
        synchronized (this) {
            for (Text text : texts) {
                data.add(score(data.size(), TextScore.of(text.text, context.vocabulary(), text.predictions)));
                characters += text.ids.length;
            }
        }
        answer.putObject("usage").put("prompt_tokens", characters).put("total_tokens", characters);
        return JsonBody.write(answer);
    }

    private ObjectNode score(int index, TextScore score) {
        ObjectNode result = JsonNodeFactory.instance
                .objectNode()
                .put("object", "score")
                .put("index", index)
                .put("log_probability", score.logProbability())
                .put("characters", score.predicted())
                .put("unknown", score.unknown())
                .put("log_probability_per_character", existing(score.logProbabilityPerCharacter()))
                .put("bits_per_character", existing(score.bitsPerCharacter()))
                .put("bits_per_byte", existing(score.bitsPerByte()));
        if (top >= 0) {
            result.set("logprobs", Logprobs.of(score, context.vocabulary(), top));
        }
        return result;
    }

    private static Double existing(double value) {
        return Double.isNaN(value) ? null : (Double) value;
    }

    @Override
    byte[] error(ApiException error) {
        setStatus(error.status());
        return JsonBody.write(error.toJson());
    }
}
