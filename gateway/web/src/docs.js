import SwaggerUIBundle from 'swagger-ui-dist/swagger-ui-es-bundle.js';
import 'swagger-ui-dist/swagger-ui.css';
import '../plain/_assets/bar.css';
import '../plain/_assets/docs.css';
import { showDocs } from '../plain/_assets/swagger.js';

showDocs(SwaggerUIBundle);
