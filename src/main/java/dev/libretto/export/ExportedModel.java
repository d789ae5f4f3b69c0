package dev.libretto.export;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.Weights;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A model on its way to or from another program.
 *
 * @param settings the cell, the sizes, and how newlines and unknown characters are read
 * @param vocabulary the characters, as many as the settings say
 * @param weights the weights, in Libretto's layout
 */
public record ExportedModel(ModelSettings settings, Vocabulary vocabulary, Weights weights) {
    /**
     * Reads a weights file, safetensors or npz, and its description.
     *
     * @throws IOException naming the file and what is wrong with it
     */
    public static ExportedModel read(Path weights, Path description) throws IOException {
        Description described = Description.read(description);
        List<NamedArray> arrays = WeightsFormat.read(weights);
        try {
            return new ExportedModel(
                    new ModelSettings(described.model(), described.keepNewlines(), described.unknownCharacter()),
                    Vocabulary.ofSymbols(described.vocabulary(), described.unknownCharacter()),
                    described.layout().weights(LanguageModel.parameters(described.model()), arrays));
        } catch (IllegalArgumentException e) {
            throw new WeightsException(weights, e.getMessage(), e);
        }
    }

    Description describe(Layout layout) {
        return new Description(
                layout, settings.model(), settings.keepNewlines(), settings.unknownCharacter(), vocabulary.symbols());
    }
}
