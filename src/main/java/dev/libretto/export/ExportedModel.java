package dev.libretto.export;

import dev.libretto.LibrettoException;
import dev.libretto.model.Weights;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A model to export, or imported.
 *
 * @param weights the weights in Libretto's layout
 */
public record ExportedModel(ModelSettings settings, Vocabulary vocabulary, Weights weights) {
    /**
     * Reads a safetensors or npz file and its description.
     *
     * @throws IOException naming the file and what is wrong with it
     */
    public static ExportedModel read(Path weights, Path description) throws IOException {
        Description described = Description.read(description);
        List<NamedArray> arrays = WeightsFormat.read(weights);
        try {
            ModelSettings settings =
                    new ModelSettings(described.model(), described.keepNewlines(), described.unknownCharacter());
            return new ExportedModel(
                    settings,
                    settings.vocabulary(described.vocabulary()),
                    described.layout().weights(described.model(), arrays));
        } catch (IllegalArgumentException e) {
            throw LibrettoException.in(weights, e.getMessage(), e);
        }
    }

    Description describe(Layout layout) {
        return new Description(
                layout, settings.model(), settings.keepNewlines(), settings.unknownCharacter(), vocabulary.symbols());
    }
}
