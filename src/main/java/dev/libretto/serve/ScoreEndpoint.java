package dev.libretto.serve;

import dev.libretto.text.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** {@code POST /v1/score}: says how likely a model finds texts, as {@code libretto score} does. */
final class ScoreEndpoint implements Endpoint {
    private static final int MAX_TEXTS = 1024;

    private final ServedModels models;
    private final Limits limits;
    private final Metrics metrics;
    private final Consumer<String> log;

    ScoreEndpoint(ServedModels models, Limits limits, Metrics metrics, Consumer<String> log) {
        this.models = models;
        this.limits = limits;
        this.metrics = metrics;
        this.log = log;
    }

    @Override
    public void answer(Exchange exchange) throws ApiException {
        Fields fields = new Fields(exchange.json());
        ServedModel model = models.find(fields.text("model"));
        List<String> given = fields.texts("input", Math.min(MAX_TEXTS, limits.queue() + limits.rows()));
        int top = fields.integer("logprobs", -1, 0, CompletionRequest.MAX_TOP);
        fields.requireKnown();
        if (given.isEmpty()) {
            throw ApiException.badField("input", "input is missing; send a text, or an array of texts");
        }
        OpenModel.Lease lease = model.lease();
        List<String> texts = new ArrayList<>();
        try {
            Vocabulary vocabulary = lease.model().vocabulary();
            for (String text : given) {
                Texts.requireLength(text, "input", limits.promptCharacters());
                texts.add(vocabulary.asRead(text));
            }
            CompletionRequest.requireHeld(
                    texts.stream().mapToLong(text -> text.codePoints().count()).sum(),
                    top,
                    Math.max(CompletionRequest.MAX_HELD, limits.promptCharacters()),
                    top > 0 ? "logprobs" : "input");
            new Scores(exchange, new Answer.Context(lease, model.name(), metrics, log), texts, top).start();
        } catch (ApiException | RuntimeException | Error e) {
            lease.close();
            throw e;
        }
    }
}
