package dev.libretto.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.eclipse.jetty.http.HttpStatus;

/** {@code GET /v1/models} and {@code GET /v1/models/NAME}: the models that requests can name. */
final class ModelsEndpoint implements Endpoint {
    private final ServedModels models;
    /** Seconds since 1970. */
    private final long started = System.currentTimeMillis() / 1000;

    ModelsEndpoint(ServedModels models) {
        this.models = models;
    }

    @Override
    public void answer(Exchange exchange) throws ApiException {
        if (!exchange.rest().isEmpty()) {
            exchange.send(HttpStatus.OK_200, describe(models.find(exchange.rest())));
            return;
        }
        ObjectNode answer = JsonNodeFactory.instance.objectNode().put("object", "list");
        ArrayNode data = answer.putArray("data");
        models.all().forEach(model -> data.add(describe(model)));
        exchange.send(HttpStatus.OK_200, answer);
    }

    private ObjectNode describe(ServedModel model) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("id", model.name())
                .put("object", "model")
                .put("created", started)
                .put("owned_by", "libretto");
    }
}
