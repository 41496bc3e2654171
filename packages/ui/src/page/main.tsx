import { connectPage } from '@aico/client/page';
import { render } from 'preact';
import './page.css';

const root = document.getElementById('page');
if (root !== null) render(<h1>AICO {typeof connectPage}</h1>, root);
