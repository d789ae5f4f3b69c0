package dev.libretto.serve;

import dev.libretto.LibrettoException;
import java.util.List;
import org.eclipse.jetty.http.HttpStatus;

/** The models that are served, in the order of the command line. */
final class ServedModels implements AutoCloseable {
    private final List<ServedModel> models;

    /** @param models at least one, of different names; closed with this */
    ServedModels(List<ServedModel> models) {
        this.models = List.copyOf(models);
    }

    List<ServedModel> all() {
        return models;
    }

    /** @param name null for the only one */
    ServedModel find(String name) throws ApiException {
        if (name == null) {
            if (models.size() > 1) {
                throw ApiException.badField("model", "model is missing; name one of " + names());
            }
            return models.get(0);
        }
        return models.stream()
                .filter(model -> model.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new ApiException(
                        HttpStatus.NOT_FOUND_404,
                        "there is no model " + LibrettoException.oneLine(name) + "; name one of " + names(),
                        "model",
                        "model_not_found"));
    }

    String names() {
        return String.join(", ", models.stream().map(ServedModel::name).toList());
    }

    @Override
    public void close() {
        models.forEach(ServedModel::close);
    }
}
