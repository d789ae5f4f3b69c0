package dev.libretto.serve;

import java.util.function.Consumer;

/** {@code POST /v1/completions}: continues texts, in the shape of OpenAI's API. */
final class CompletionsEndpoint implements Endpoint {
    private final ServedModels models;
    private final Limits limits;
    private final Metrics metrics;
    private final Consumer<String> log;

    CompletionsEndpoint(ServedModels models, Limits limits, Metrics metrics, Consumer<String> log) {
        this.models = models;
        this.limits = limits;
        this.metrics = metrics;
        this.log = log;
    }

    @Override
    public void answer(Exchange exchange) throws ApiException {
        Fields fields = new Fields(exchange.json());
        ServedModel model = models.find(fields.text("model"));
        OpenModel.Lease lease = model.lease();
        try {
            CompletionRequest request =
                    CompletionRequest.read(fields, lease.model().vocabulary(), limits);
            new Completion(exchange, new Answer.Context(lease, model.name(), metrics, log), request).start();
        } catch (ApiException | RuntimeException | Error e) {
            lease.close();
            throw e;
        }
    }
}
