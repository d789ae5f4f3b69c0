package dev.libretto.serve;

import java.util.function.Consumer;

/** Has the decoder of the model that a request names compute the answer. */
record ModelEndpoint(ServedModels models, Metrics metrics, Consumer<String> log, Starter starter) implements Endpoint {
    /** Reads the fields of a request, and starts its answer. */
    @FunctionalInterface
    interface Starter {
        void start(Exchange exchange, Fields fields, Answer.Context context) throws ApiException;
    }

    @Override
    public void answer(Exchange exchange) throws ApiException {
        Fields fields = new Fields(exchange.json());
        ServedModel model = models.find(fields.text("model"));
        OpenModel.Lease lease = model.lease();
        try {
            starter.start(exchange, fields, new Answer.Context(lease, model.name(), metrics, log));
        } catch (ApiException | RuntimeException | Error e) {
            lease.close();
            throw e;
        }
    }
}
